// The Kafka APIs that we have messages for, by their names and by their keys. Which of them a
// broker serves, and at which versions, is the broker's to say.
import { produceRequest, produceResponse } from './messages/00-produce.ts'
import { fetchRequest, fetchResponse } from './messages/01-fetch.ts'
import { listOffsetsRequest, listOffsetsResponse } from './messages/02-list-offsets.ts'
import { metadataRequest, metadataResponse } from './messages/03-metadata.ts'
import { offsetCommitRequest, offsetCommitResponse } from './messages/08-offset-commit.ts'
import { offsetFetchRequest, offsetFetchResponse } from './messages/09-offset-fetch.ts'
import { findCoordinatorRequest, findCoordinatorResponse } from './messages/10-find-coordinator.ts'
import { joinGroupRequest, joinGroupResponse } from './messages/11-join-group.ts'
import { heartbeatRequest, heartbeatResponse } from './messages/12-heartbeat.ts'
import { leaveGroupRequest, leaveGroupResponse } from './messages/13-leave-group.ts'
import { syncGroupRequest, syncGroupResponse } from './messages/14-sync-group.ts'
import { describeGroupsRequest, describeGroupsResponse } from './messages/15-describe-groups.ts'
import { listGroupsRequest, listGroupsResponse } from './messages/16-list-groups.ts'
import { saslHandshakeRequest, saslHandshakeResponse } from './messages/17-sasl-handshake.ts'
import { apiVersionsRequest, apiVersionsResponse } from './messages/18-api-versions.ts'
import { createTopicsRequest, createTopicsResponse } from './messages/19-create-topics.ts'
import { deleteTopicsRequest, deleteTopicsResponse } from './messages/20-delete-topics.ts'
import { deleteRecordsRequest, deleteRecordsResponse } from './messages/21-delete-records.ts'
import { initProducerIdRequest, initProducerIdResponse } from './messages/22-init-producer-id.ts'
import {
  offsetForLeaderEpochRequest,
  offsetForLeaderEpochResponse,
} from './messages/23-offset-for-leader-epoch.ts'
import {
  addPartitionsToTxnRequest,
  addPartitionsToTxnResponse,
} from './messages/24-add-partitions-to-txn.ts'
import {
  addOffsetsToTxnRequest,
  addOffsetsToTxnResponse,
} from './messages/25-add-offsets-to-txn.ts'
import { endTxnRequest, endTxnResponse } from './messages/26-end-txn.ts'
import { writeTxnMarkersRequest, writeTxnMarkersResponse } from './messages/27-write-txn-markers.ts'
import { txnOffsetCommitRequest, txnOffsetCommitResponse } from './messages/28-txn-offset-commit.ts'
import { describeAclsRequest, describeAclsResponse } from './messages/29-describe-acls.ts'
import { createAclsRequest, createAclsResponse } from './messages/30-create-acls.ts'
import { deleteAclsRequest, deleteAclsResponse } from './messages/31-delete-acls.ts'
import { describeConfigsRequest, describeConfigsResponse } from './messages/32-describe-configs.ts'
import { alterConfigsRequest, alterConfigsResponse } from './messages/33-alter-configs.ts'
import {
  alterReplicaLogDirsRequest,
  alterReplicaLogDirsResponse,
} from './messages/34-alter-replica-log-dirs.ts'
import { describeLogDirsRequest, describeLogDirsResponse } from './messages/35-describe-log-dirs.ts'
import {
  saslAuthenticateRequest,
  saslAuthenticateResponse,
} from './messages/36-sasl-authenticate.ts'
import {
  createPartitionsRequest,
  createPartitionsResponse,
} from './messages/37-create-partitions.ts'
import { deleteGroupsRequest, deleteGroupsResponse } from './messages/42-delete-groups.ts'
import { electLeadersRequest, electLeadersResponse } from './messages/43-elect-leaders.ts'
import {
  incrementalAlterConfigsRequest,
  incrementalAlterConfigsResponse,
} from './messages/44-incremental-alter-configs.ts'
import {
  alterPartitionReassignmentsRequest,
  alterPartitionReassignmentsResponse,
} from './messages/45-alter-partition-reassignments.ts'
import {
  listPartitionReassignmentsRequest,
  listPartitionReassignmentsResponse,
} from './messages/46-list-partition-reassignments.ts'
import { offsetDeleteRequest, offsetDeleteResponse } from './messages/47-offset-delete.ts'
import {
  describeClientQuotasRequest,
  describeClientQuotasResponse,
} from './messages/48-describe-client-quotas.ts'
import {
  alterClientQuotasRequest,
  alterClientQuotasResponse,
} from './messages/49-alter-client-quotas.ts'
import {
  describeUserScramCredentialsRequest,
  describeUserScramCredentialsResponse,
} from './messages/50-describe-user-scram-credentials.ts'
import { describeQuorumRequest, describeQuorumResponse } from './messages/55-describe-quorum.ts'
import { updateFeaturesRequest, updateFeaturesResponse } from './messages/57-update-features.ts'
import { describeClusterRequest, describeClusterResponse } from './messages/60-describe-cluster.ts'
import {
  describeProducersRequest,
  describeProducersResponse,
} from './messages/61-describe-producers.ts'
import {
  unregisterBrokerRequest,
  unregisterBrokerResponse,
} from './messages/64-unregister-broker.ts'
import {
  describeTransactionsRequest,
  describeTransactionsResponse,
} from './messages/65-describe-transactions.ts'
import {
  listTransactionsRequest,
  listTransactionsResponse,
} from './messages/66-list-transactions.ts'
import {
  consumerGroupHeartbeatRequest,
  consumerGroupHeartbeatResponse,
} from './messages/68-consumer-group-heartbeat.ts'
import {
  consumerGroupDescribeRequest,
  consumerGroupDescribeResponse,
} from './messages/69-consumer-group-describe.ts'
import {
  listConfigResourcesRequest,
  listConfigResourcesResponse,
} from './messages/74-list-config-resources.ts'
import {
  describeTopicPartitionsRequest,
  describeTopicPartitionsResponse,
} from './messages/75-describe-topic-partitions.ts'
import type { Message } from './schema.ts'

export interface Api<Q extends Message = Message, S extends Message = Message> {
  readonly key: number
  /** As Kafka prints it: 'ApiVersions'. */
  readonly name: string
  readonly request: Q
  readonly response: S
}

export const apis = {
  produce: api('Produce', produceRequest, produceResponse),
  fetch: api('Fetch', fetchRequest, fetchResponse),
  listOffsets: api('ListOffsets', listOffsetsRequest, listOffsetsResponse),
  metadata: api('Metadata', metadataRequest, metadataResponse),
  offsetCommit: api('OffsetCommit', offsetCommitRequest, offsetCommitResponse),
  offsetFetch: api('OffsetFetch', offsetFetchRequest, offsetFetchResponse),
  findCoordinator: api('FindCoordinator', findCoordinatorRequest, findCoordinatorResponse),
  joinGroup: api('JoinGroup', joinGroupRequest, joinGroupResponse),
  heartbeat: api('Heartbeat', heartbeatRequest, heartbeatResponse),
  leaveGroup: api('LeaveGroup', leaveGroupRequest, leaveGroupResponse),
  syncGroup: api('SyncGroup', syncGroupRequest, syncGroupResponse),
  describeGroups: api('DescribeGroups', describeGroupsRequest, describeGroupsResponse),
  listGroups: api('ListGroups', listGroupsRequest, listGroupsResponse),
  saslHandshake: api('SaslHandshake', saslHandshakeRequest, saslHandshakeResponse),
  apiVersions: api('ApiVersions', apiVersionsRequest, apiVersionsResponse),
  createTopics: api('CreateTopics', createTopicsRequest, createTopicsResponse),
  deleteTopics: api('DeleteTopics', deleteTopicsRequest, deleteTopicsResponse),
  deleteRecords: api('DeleteRecords', deleteRecordsRequest, deleteRecordsResponse),
  initProducerId: api('InitProducerId', initProducerIdRequest, initProducerIdResponse),
  offsetForLeaderEpoch: api(
    'OffsetForLeaderEpoch',
    offsetForLeaderEpochRequest,
    offsetForLeaderEpochResponse,
  ),
  addPartitionsToTxn: api(
    'AddPartitionsToTxn',
    addPartitionsToTxnRequest,
    addPartitionsToTxnResponse,
  ),
  addOffsetsToTxn: api('AddOffsetsToTxn', addOffsetsToTxnRequest, addOffsetsToTxnResponse),
  endTxn: api('EndTxn', endTxnRequest, endTxnResponse),
  writeTxnMarkers: api('WriteTxnMarkers', writeTxnMarkersRequest, writeTxnMarkersResponse),
  txnOffsetCommit: api('TxnOffsetCommit', txnOffsetCommitRequest, txnOffsetCommitResponse),
  describeAcls: api('DescribeAcls', describeAclsRequest, describeAclsResponse),
  createAcls: api('CreateAcls', createAclsRequest, createAclsResponse),
  deleteAcls: api('DeleteAcls', deleteAclsRequest, deleteAclsResponse),
  describeConfigs: api('DescribeConfigs', describeConfigsRequest, describeConfigsResponse),
  alterConfigs: api('AlterConfigs', alterConfigsRequest, alterConfigsResponse),
  alterReplicaLogDirs: api(
    'AlterReplicaLogDirs',
    alterReplicaLogDirsRequest,
    alterReplicaLogDirsResponse,
  ),
  describeLogDirs: api('DescribeLogDirs', describeLogDirsRequest, describeLogDirsResponse),
  saslAuthenticate: api('SaslAuthenticate', saslAuthenticateRequest, saslAuthenticateResponse),
  createPartitions: api('CreatePartitions', createPartitionsRequest, createPartitionsResponse),
  deleteGroups: api('DeleteGroups', deleteGroupsRequest, deleteGroupsResponse),
  electLeaders: api('ElectLeaders', electLeadersRequest, electLeadersResponse),
  incrementalAlterConfigs: api(
    'IncrementalAlterConfigs',
    incrementalAlterConfigsRequest,
    incrementalAlterConfigsResponse,
  ),
  alterPartitionReassignments: api(
    'AlterPartitionReassignments',
    alterPartitionReassignmentsRequest,
    alterPartitionReassignmentsResponse,
  ),
  listPartitionReassignments: api(
    'ListPartitionReassignments',
    listPartitionReassignmentsRequest,
    listPartitionReassignmentsResponse,
  ),
  offsetDelete: api('OffsetDelete', offsetDeleteRequest, offsetDeleteResponse),
  describeClientQuotas: api(
    'DescribeClientQuotas',
    describeClientQuotasRequest,
    describeClientQuotasResponse,
  ),
  alterClientQuotas: api('AlterClientQuotas', alterClientQuotasRequest, alterClientQuotasResponse),
  describeUserScramCredentials: api(
    'DescribeUserScramCredentials',
    describeUserScramCredentialsRequest,
    describeUserScramCredentialsResponse,
  ),
  describeQuorum: api('DescribeQuorum', describeQuorumRequest, describeQuorumResponse),
  updateFeatures: api('UpdateFeatures', updateFeaturesRequest, updateFeaturesResponse),
  describeCluster: api('DescribeCluster', describeClusterRequest, describeClusterResponse),
  describeProducers: api('DescribeProducers', describeProducersRequest, describeProducersResponse),
  unregisterBroker: api('UnregisterBroker', unregisterBrokerRequest, unregisterBrokerResponse),
  describeTransactions: api(
    'DescribeTransactions',
    describeTransactionsRequest,
    describeTransactionsResponse,
  ),
  listTransactions: api('ListTransactions', listTransactionsRequest, listTransactionsResponse),
  consumerGroupHeartbeat: api(
    'ConsumerGroupHeartbeat',
    consumerGroupHeartbeatRequest,
    consumerGroupHeartbeatResponse,
  ),
  consumerGroupDescribe: api(
    'ConsumerGroupDescribe',
    consumerGroupDescribeRequest,
    consumerGroupDescribeResponse,
  ),
  listConfigResources: api(
    'ListConfigResources',
    listConfigResourcesRequest,
    listConfigResourcesResponse,
  ),
  describeTopicPartitions: api(
    'DescribeTopicPartitions',
    describeTopicPartitionsRequest,
    describeTopicPartitionsResponse,
  ),
} as const

const byKey: ReadonlyMap<number, Api> = new Map(Object.values(apis).map((one) => [one.key, one]))

export function apiByKey(key: number): Api | undefined {
  return byKey.get(key)
}

function api<Q extends Message, S extends Message>(
  name: string,
  request: Q,
  response: S,
): Api<Q, S> {
  return { key: request.apiKey!, name, request, response }
}
