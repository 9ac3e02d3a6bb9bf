// Exchange: one request on its way through the gateway, and what every response to it says.

import type { Incoming } from './request-body.ts'

/** What the HTTP server hands along with a Request. */
export interface GatewayEnv {
  readonly incoming?: Incoming
}

export interface Exchange extends GatewayEnv {
  /** Stands in the response's Request-Id, in a problem and in the log line of an internal error. */
  readonly requestId: string
  /** In lower case. */
  readonly headers: { readonly [name: string]: string }
  /** Accept-Encoding of a request whose response may be compressed. */
  readonly acceptEncoding: string | undefined
}
