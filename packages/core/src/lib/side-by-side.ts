// Side by side: work on very many items, a few at a time. Each is begun when one before it has ended, so that
// what waits costs nothing: ten thousand promises that wait for their turn outlive young garbage.

/** Runs `job` for each of `items`, in their order, at most `width` at once. Rejects when one of them does. */
export async function sideBySide<T>(
  items: Iterable<T>,
  width: number,
  job: (item: T) => Promise<void>,
): Promise<void> {
  const iterator = items[Symbol.iterator]()
  const work = async (): Promise<void> => {
    for (let next = iterator.next(); !next.done; next = iterator.next()) await job(next.value)
  }
  await Promise.all(Array.from({ length: width }, work))
}
