// KeyedQueue: jobs of one key run one after another, in order; jobs of different keys do not wait for
// each other. A job that fails does not keep those behind it from running.

export class KeyedQueue<K> {
  readonly #tails = new Map<K, Promise<unknown>>()

  run<T>(key: K, job: () => Promise<T>): Promise<T> {
    const previous = this.#tails.get(key)
    const done = previous === undefined ? job() : previous.then(job, job)
    this.#tails.set(key, done)
    const clear = () => {
      if (this.#tails.get(key) === done) this.#tails.delete(key)
    }
    done.then(clear, clear)
    return done
  }
}
