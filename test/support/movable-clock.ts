import { addSeconds, systemClock } from '../../src/platform/clock.ts'
import type { Clock } from '../../src/platform/clock.ts'

/** A clock that a test puts forward. */
export interface MovableClock extends Clock {
  pass(seconds: number): void
}

/** @param options.stopped it moves only as it is told to: for tests that compare what is shown of time */
export function movableClock(options: { stopped?: boolean } = {}): MovableClock {
  const start = systemClock.now()
  let passed = 0
  return {
    now: () => addSeconds(options.stopped === true ? start : systemClock.now(), passed),
    pass: (seconds) => {
      passed += seconds
    },
  }
}
