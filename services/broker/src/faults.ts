// Faults to order: tests of a client's error handling ask the embedded broker to answer requests of
// one API with an error, a number of times. The request is not carried out.

export class FaultPlan {
  readonly #planned = new Map<string, { errorCode: number; times: number }[]>()

  /** The next `times` requests of the API (by Kafka's name, e.g. Produce) fail with `errorCode`. */
  fail(apiName: string, errorCode: number, options: { times: number }): void {
    const queue = this.#planned.get(apiName) ?? []
    queue.push({ errorCode, times: options.times })
    this.#planned.set(apiName, queue)
  }

  /** Takes one planned failure of the API; undefined: let the request pass. */
  take(apiName: string): number | undefined {
    if (this.#planned.size === 0) return undefined
    const queue = this.#planned.get(apiName)
    if (!queue) return undefined
    const fault = queue[0]
    fault.times -= 1
    if (fault.times <= 0) queue.shift()
    if (queue.length === 0) this.#planned.delete(apiName)
    return fault.errorCode
  }

  clear(): void {
    this.#planned.clear()
  }
}
