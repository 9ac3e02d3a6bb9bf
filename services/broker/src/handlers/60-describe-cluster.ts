// DescribeCluster (KIP-700)
// v1 endpoint type (KIP-919) · v2 fenced brokers (KIP-1073)

import { apis } from '@sluice/protocol/apis'
import { errors } from '@sluice/protocol/errors'
import { handler } from '../handler.ts'
import { clusterOperations, operationsOmitted } from '../lookup.ts'

const brokerEndpoints = 1
const controllerEndpoints = 2

export const describeCluster = handler(
  apis.describeCluster,
  {
    min: 0,
    max: 2,
    failed: (_request, { errorCode, message }) => ({
      errorCode,
      errorMessage: message,
      clusterId: '',
      brokers: [],
    }),
  },
  (broker, request, context) => {
    const { endpointType } = request
    if (endpointType !== brokerEndpoints) return refused(endpointType)
    const { image } = broker.cluster
    const brokers = [...image.brokers()].flatMap(({ id, rack, endpoints, fenced }) => {
      const endpoint = endpoints.find(({ listener }) => listener === context.listener.name)
      if (!endpoint || (fenced && !request.includeFencedBrokers)) return []
      const { host, port } = endpoint
      return [{ brokerId: id, host, port, rack, isFenced: fenced }]
    })
    return {
      errorCode: 0,
      errorMessage: null,
      endpointType,
      clusterId: broker.clusterId,
      controllerId: image.controllerId,
      brokers,
      clusterAuthorizedOperations: request.includeClusterAuthorizedOperations
        ? clusterOperations
        : operationsOmitted,
    }
  },
)

function refused(endpointType: number) {
  const known = endpointType === controllerEndpoints
  return {
    errorCode: known ? errors.MISMATCHED_ENDPOINT_TYPE : errors.UNSUPPORTED_ENDPOINT_TYPE,
    errorMessage: known
      ? 'The request was sent to an endpoint of the wrong type.'
      : `Unsupported endpoint type ${endpointType}`,
    clusterId: '',
    brokers: [],
  }
}
