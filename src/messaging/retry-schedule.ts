import type { Random } from '../platform/random.ts'

/** Seconds between one try and the next: 8 tries within a day. */
const delays = [10, 30, 2 * 60, 10 * 60, 60 * 60, 6 * 60 * 60, 16 * 60 * 60]

export const maximumTries = delays.length + 1

/**
 * How long to wait after the `tries`-th try failed (1 is the first), spread by a fifth either way so that what failed
 * together does not come back together.
 * @returns seconds, or undefined when that was the last try
 */
export function retryDelaySeconds(tries: number, random: Pick<Random, 'bytes'>): number | undefined {
  const delay = delays[Math.max(1, tries) - 1]
  return delay === undefined ? undefined : withJitter(delay, random)
}

/** Pauses in milliseconds after the `failures`-th failure in a row of the database: 1 s, doubling up to a minute. */
export const outagePauseMs = (failures: number, random: Pick<Random, 'bytes'>): number =>
  withJitter(Math.min(60_000, 1000 * 2 ** Math.min(failures - 1, 6)), random)

function withJitter(length: number, random: Pick<Random, 'bytes'>): number {
  const fraction = random.bytes(4).readUInt32BE() / 2 ** 32
  return length * (0.8 + 0.4 * fraction)
}
