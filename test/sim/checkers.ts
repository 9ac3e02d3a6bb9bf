// What must hold of a broker at any time, looked at from within every few simulated milliseconds:
//
//   log start <= high watermark <= log end;  last stable offset <= high watermark
//   none of them goes back while a broker lives; over a process kill only a start that was never
//   acknowledged, over a power loss the unflushed end of a log

import type { Broker } from '@sluice/broker/broker'
import type { BrokerMachine } from './broker-machine.ts'
import { name as nameOf } from './history.ts'
import type { World } from './world.ts'

const sampleMs = 20

interface Sample {
  readonly startOffset: number
  readonly highWatermark: number
}

export class StateChecker {
  readonly #world: World
  readonly #machine: BrokerMachine
  /** By topic id and partition. */
  readonly #samples = new Map<string, Sample>()
  #broker: Broker | undefined
  #losses = 0
  #stopped = false

  constructor(world: World, machine: BrokerMachine) {
    this.#world = world
    this.#machine = machine
  }

  begin(): void {
    this.#world.clock.setTimer(sampleMs, () => {
      if (this.#stopped) return
      this.#look()
      this.begin()
    })
  }

  stop(): void {
    this.#stopped = true
  }

  #look(): void {
    const { broker, losses } = this.#machine
    if (broker === undefined) return
    if (broker !== this.#broker) this.#forget(losses !== this.#losses)
    this.#broker = broker
    this.#losses = losses
    for (const {
      topic,
      topicId,
      index,
      log,
      highWatermark,
      lastStableOffset,
    } of broker.partitions) {
      const { startOffset, endOffset } = log
      const place = nameOf({ topic, partition: index })
      const text = `start ${startOffset}, stable ${lastStableOffset}, high watermark ${highWatermark}, end ${endOffset}`
      if (startOffset > highWatermark || highWatermark > endOffset) this.#fail(place, text)
      if (lastStableOffset > highWatermark) this.#fail(place, text)
      const key = `${topicId}/${index}`
      const before = this.#samples.get(key) ?? { startOffset: 0, highWatermark: 0 }
      const { history } = this.#world
      const least = Math.max(before.startOffset, history.startOffset({ topic, partition: index }))
      if (startOffset < least) this.#fail(place, `${text}; start was ${least}`)
      if (highWatermark < before.highWatermark) this.#fail(place, `${text}; was ahead`)
      this.#samples.set(key, { startOffset, highWatermark })
    }
  }

  /** After a crash: a start that nobody was told may be gone, after a loss of power the end, too. */
  #forget(lossy: boolean): void {
    for (const [key, { highWatermark }] of this.#samples) {
      this.#samples.set(key, { startOffset: 0, highWatermark: lossy ? 0 : highWatermark })
    }
  }

  #fail(place: string, text: string): void {
    this.#world.history.violation(`${place}: ${text}`)
    this.stop()
  }
}
