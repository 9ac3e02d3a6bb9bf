// Turn: what input of one turn of the event loop asked for is done once, at the turn's end, in three
// stages: all appends, then whatever they completed, then one write for each connection. So a
// partition makes one write and a connection one system call a turn, however many requests came.
//
//   input ... input | append -> complete -> respond | input ...

import type { Clock } from '../host/clock.ts'

export type Stage = 'append' | 'complete' | 'respond'

export class Turn {
  readonly #clock: Clock
  #tasks = emptyTasks()
  /** Swapped with #tasks at each end, so that a turn allocates nothing. */
  #spare = emptyTasks()
  #scheduled = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /**
   * Runs `task` at the end of this turn, in its stage; from within a turn's end in this very end if
   * its stage is still to come, else in the next.
   */
  at(stage: Stage, task: () => void): void {
    this.#tasks[stage].push(task)
    if (this.#scheduled) return
    this.#scheduled = true
    this.#clock.defer(this.#end)
  }

  readonly #end = (): void => {
    try {
      this.#run('append')
      this.#run('complete')
      this.#run('respond')
    } finally {
      // More was asked for an earlier stage, or a task threw (a bug: it surfaces from here).
      this.#scheduled = this.#hasTasks()
      if (this.#scheduled) this.#clock.defer(this.#end)
    }
  }

  #run(stage: Stage): void {
    const tasks = this.#tasks[stage]
    if (tasks.length === 0) return
    this.#tasks[stage] = this.#spare[stage]
    this.#spare[stage] = tasks
    let done = 0
    try {
      while (done < tasks.length) tasks[done++]()
    } finally {
      if (done < tasks.length) this.#tasks[stage].unshift(...tasks.slice(done))
      tasks.length = 0
    }
  }

  #hasTasks(): boolean {
    const { append, complete, respond } = this.#tasks
    return append.length + complete.length + respond.length > 0
  }
}

function emptyTasks(): Record<Stage, (() => void)[]> {
  return { append: [], complete: [], respond: [] }
}
