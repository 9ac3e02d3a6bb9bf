// Clock: wall time, monotonic time and timers. Nothing else in the system knows time.

export interface Clock {
  /** Milliseconds since the Unix epoch (wall clock; may jump). For record timestamps and retention. */
  now(): number
  /** Monotonic milliseconds (fractional) since some fixed point. For time-outs, leases and durations. */
  monotonic(): number
  /** Calls `run` once after `delayMs` (>= 0). A timer does not keep the process alive. */
  setTimer(delayMs: number, run: () => void): Timer
  /** Calls `run` after the current turn of the event loop, when all input at hand was handled. */
  defer(run: () => void): void
}

export interface Timer {
  /** Stops the timer; a timer that ran or was cancelled stays so. */
  cancel(): void
}

/** Resolves after `delayMs` on `clock`. */
export function sleep(clock: Clock, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    clock.setTimer(delayMs, resolve)
  })
}
