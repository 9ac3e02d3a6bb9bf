// Limits of the HTTP gateway: one named place, with the defaults that http clients may rely on.
// Every queue, body, stream and wait of the gateway is bounded by one of these.

export interface GatewayLimits {
  /** A request body, before and after it was decompressed. */
  readonly bodyBytesMax: number
  /** Records in one produce request. */
  readonly recordsMax: number
  /** Nesting of a JSON request body. */
  readonly jsonDepthMax: number
  /** A long poll's `wait`. */
  readonly waitMsMax: number
  /** Streams (server-sent events, followed text) open at once; one more is answered 503. */
  readonly streamsMax: number
  /** A stream ends with a `reconnect` event at this age, so that no proxy has to cut it. */
  readonly streamAgeMsMax: number
  /** A stream that says nothing of where it stands for as long sends a heartbeat. */
  readonly heartbeatMs: number
  /** A client that takes longer over one piece of a stream is told to come back at its cursor. */
  readonly streamSlowMs: number
}

export const defaultLimits: GatewayLimits = {
  bodyBytesMax: 16 * 1024 * 1024,
  recordsMax: 10_000,
  jsonDepthMax: 64,
  waitMsMax: 60_000,
  streamsMax: 10_000,
  streamAgeMsMax: 3_600_000,
  heartbeatMs: 15_000,
  streamSlowMs: 30_000,
}

/** Records of a JSON page when `max_records` is not given, and the most that may be asked for. */
export const pageRecordsDefault = 500
export const pageRecordsMax = 10_000

/** Bytes of log that a page is cut from when `max_bytes` is not given, and the most to ask for. */
export const pageBytesDefault = 1024 * 1024
export const pageBytesMax = 16 * 1024 * 1024

/** Topics of one list page when `limit` is not given, and the most that may be asked for. */
export const listTopicsDefault = 100
export const listTopicsMax = 1000

/** Groups of one list page, likewise. */
export const listGroupsDefault = 100
export const listGroupsMax = 1000

/** Kafka's limit on a topic's name. */
export const topicNameLengthMax = 249
