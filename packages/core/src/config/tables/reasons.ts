// Reasons: why a config is accepted without effect. Each completes "accepted, no effect, ...".
// A reason that ends in "yet" goes away with the feature it names.

export const oneEventLoop = 'because a broker is one event loop; more cores take more brokers'
export const noJavaClasses = 'because Sluice loads no Java classes'
export const noQuorum = 'because metadata is kept in a table, not in a KRaft quorum'
export const noReplication = 'because replication between brokers is not there yet'
export const noTransactions = 'because transactions are not there yet'
export const noShareGroups = 'because share groups are not there yet'
export const noConsumerProtocol = 'because the consumer group protocol (KIP-848) is not there yet'
export const noStreamsGroups = 'because streams groups (KIP-1071) are not there yet'
export const noTiering = 'because tiered storage is not there yet'
export const noSecurity = 'because TLS and authentication are not there yet'
export const noKerberos = 'because Kerberos is not supported'
export const noReporters = 'because metrics are served at /metrics'
export const noSampling = 'because metrics are counters; whoever scrapes them computes rates'
export const noPurgatoryPurge = 'because a completed request leaves the purgatory at once'
export const noDeleteDelay = 'because a removed file goes when the last read of it has ended'
export const directoryMoveRate =
  'because the rate of moves between log directories is kept from chunk to chunk, without samples'

export const noPreallocation =
  "because Kafka's way of it, a file length set ahead, reserves no blocks on Linux, and Node has no fallocate"
export const osBuffers = 'because socket buffers are left to the operating system'
export const noSerializers = 'because the command line works on bytes'
export const noTelemetry = 'because metrics of clients (KIP-714) are not collected yet'
export const notYet = 'because it is not there yet'
