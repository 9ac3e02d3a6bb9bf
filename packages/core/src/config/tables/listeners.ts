// Listener configs: who a broker is, where it listens, its connections and request limits.

import { boolean, className, int, intMax, list, long, string } from '../definition.ts'
import {
  noJavaClasses,
  noPurgatoryPurge,
  noSecurity,
  noTelemetry,
  oneEventLoop,
  osBuffers,
} from './reasons.ts'

export const listenerConfigs = {
  'node.id': int(1, 'The id of this broker; clients see it in metadata.', { min: 0 }),
  'broker.id': int(-1, 'The older name of node.id; where both are given they must agree.'),
  'broker.rack': string(null, 'The rack or availability zone of this broker.'),
  'process.roles': list(['broker', 'controller'], 'The roles of a KRaft node.', {
    values: ['broker', 'controller'],
    nonEmpty: true,
    noEffect: 'because every broker can be the controller; a lease decides which one is',
  }),

  listeners: list(
    ['PLAINTEXT://:9092'],
    'Where to listen: NAME://host:port, several by commas. An empty host means all interfaces; ' +
      'port 0 picks a free one.',
    { nonEmpty: true },
  ),
  'advertised.listeners': list(
    null,
    'The addresses that clients are told to connect to, by listener name; default: those of listeners.',
    { nonEmpty: true },
  ),
  'listener.security.protocol.map': string(
    'SASL_SSL:SASL_SSL,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT',
    'Which security protocol each listener name speaks. PLAINTEXT is the one there is so far.',
  ),
  'inter.broker.listener.name': string(null, 'The listener that brokers use among themselves.', {
    noEffect: 'because there is one broker for now',
  }),
  'early.start.listeners': list(null, 'Listeners to open before the authorizer is ready.', {
    noEffect: noSecurity,
  }),

  'socket.request.max.bytes': int(
    104_857_600,
    'The largest request frame; a larger one ends its connection.',
    { min: 1 },
  ),
  'socket.listen.backlog.size': int(50, 'Connections the system queues before they are accepted.', {
    min: 1,
    noEffect: 'because the backlog is the 511 that Node asks for, bounded by net.core.somaxconn',
  }),
  'socket.receive.buffer.bytes': int(102_400, 'SO_RCVBUF of client sockets; -1: the default.', {
    noEffect: osBuffers,
  }),
  'socket.send.buffer.bytes': int(102_400, 'SO_SNDBUF of client sockets; -1: the default.', {
    noEffect: osBuffers,
  }),
  'socket.connection.setup.timeout.ms': long(10_000, 'First limit on opening a connection.', {
    noEffect: 'because there is one broker for now',
  }),
  'socket.connection.setup.timeout.max.ms': long(30_000, 'Longest limit on opening a connection.', {
    noEffect: 'because there is one broker for now',
  }),
  'connections.max.idle.ms': long(600_000, 'Connections idle for longer are closed.'),
  'max.connections': int(intMax, 'Connections at once; further ones wait.', { min: 0 }),
  'max.connections.per.ip': int(intMax, 'Connections at once from one address.', { min: 0 }),
  'max.connections.per.ip.overrides': string(
    '',
    'Exceptions from max.connections.per.ip, as host:number by commas.',
  ),
  'max.connection.creation.rate': int(
    intMax,
    'New connections a second; further ones wait to be accepted.',
    { min: 0 },
  ),
  'request.timeout.ms': int(30_000, 'How long this broker waits for an answer of another one.', {
    noEffect: 'because there is one broker for now',
  }),
  'queued.max.requests': int(500, 'Requests waiting for a handler before sockets are paused.', {
    min: 1,
    noEffect: 'because requests are handled as they come; each connection bounds its own pipeline',
  }),
  'queued.max.request.bytes': long(
    -1,
    'Bytes of requests being worked on before sockets are paused; -1: a share of the memory.',
  ),
  'max.request.partition.size.limit': int(
    2000,
    'Partitions that one DescribeTopicPartitions answer lists at most.',
    { min: 1 },
  ),
  'fetch.max.bytes': int(57_671_680, 'Bytes that one fetch answer holds at most.', { min: 1024 }),
  'max.incremental.fetch.session.cache.slots': int(
    1000,
    'Fetch sessions (KIP-227) kept at once; further clients fetch without one.',
    { min: 0 },
  ),

  'num.network.threads': int(3, 'Threads that move bytes.', { min: 1, noEffect: oneEventLoop }),
  'num.io.threads': int(8, 'Threads that handle requests.', { min: 1, noEffect: oneEventLoop }),
  'background.threads': int(10, 'Threads for background work.', { min: 1, noEffect: oneEventLoop }),
  'num.recovery.threads.per.data.dir': int(2, 'Threads that recover logs at the start.', {
    min: 1,
    noEffect: oneEventLoop,
  }),
  'num.replica.alter.log.dirs.threads': int(
    null,
    'Replicas that are moved between log directories at a time, by default as many as there are directories.',
    { min: 1 },
  ),
  'fetch.purgatory.purge.interval.requests': int(1000, 'How often waiting fetches are swept.', {
    noEffect: noPurgatoryPurge,
  }),
  'producer.purgatory.purge.interval.requests': int(1000, 'How often waiting produces are swept.', {
    noEffect: noPurgatoryPurge,
  }),
  'delete.records.purgatory.purge.interval.requests': int(
    1,
    'How often waiting record deletions are swept.',
    { noEffect: noPurgatoryPurge },
  ),
  'share.fetch.purgatory.purge.interval.requests': int(
    1000,
    'How often waiting share fetches are swept.',
    { noEffect: noPurgatoryPurge },
  ),
  'controlled.shutdown.enable': boolean(true, 'Hand leadership over before the end.', {
    noEffect: 'because a broker always ends in good order when it is asked to',
  }),
  'config.providers': list([], 'Classes that look config values up elsewhere.', {
    noEffect: noJavaClasses,
  }),
  'create.topic.policy.class.name': className(null, 'A class that vets new topics.', {
    noEffect: noJavaClasses,
  }),
  'alter.config.policy.class.name': className(null, 'A class that vets config changes.', {
    noEffect: noJavaClasses,
  }),
  'telemetry.max.bytes': int(1_048_576, 'Largest push of client metrics (KIP-714).', {
    min: 1,
    noEffect: noTelemetry,
  }),
} as const
