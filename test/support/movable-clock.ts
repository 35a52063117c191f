import { addSeconds, systemClock } from '../../src/platform/clock.ts'
import type { Clock } from '../../src/platform/clock.ts'

/** The system's clock, put forward as a test asks for it. */
export interface MovableClock extends Clock {
  pass(seconds: number): void
}

export function movableClock(): MovableClock {
  let passed = 0
  return {
    now: () => addSeconds(systemClock.now(), passed),
    pass: (seconds) => {
      passed += seconds
    },
  }
}
