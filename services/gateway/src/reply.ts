// Reply: a response in the making, as a route gives it to the responder.

/** By names in lower case. */
export interface ResponseHeaders {
  readonly [name: string]: string
}

export type ReplyBody = string | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array> | null

export interface Reply {
  readonly status: number
  readonly headers: ResponseHeaders
  readonly body: ReplyBody
}
