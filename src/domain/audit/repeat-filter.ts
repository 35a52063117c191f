import type { Clock } from '../../platform/clock.ts'

/** Tells whether the same has happened a moment ago. */
export interface RepeatFilter {
  isRepeat(key: string): boolean
}

const windowMs = 60_000
const maximumKeys = 10_000

/**
 * What anybody can bring about as often as they like, at no cost to them, must not fill the audit trail: it is told once a
 * minute for each key. Each server does so by itself; a key that is forgotten early is told once more.
 */
export function createRepeatFilter(clock: Clock): RepeatFilter {
  /** When each key was last told, oldest first. */
  const told = new Map<string, number>()
  return {
    isRepeat(key) {
      const now = clock.now().getTime()
      const last = told.get(key)
      if (last !== undefined && now - last < windowMs) return true
      told.delete(key)
      told.set(key, now)
      const [oldest] = told.keys()
      if (told.size > maximumKeys && oldest !== undefined) told.delete(oldest)
      return false
    },
  }
}
