import type { MessageValues } from './messages.ts'

// A page carries at most this many texts; a longer wait keeps its first text until the count reaches them.
const maxTexts = 120

/** The texts that a waiting page shows, one a second, from `seconds` (at most 120) down to 1. */
export function countdownTexts(
  text: (key: string, values: MessageValues) => string,
  key: string,
  seconds: number,
): readonly string[] {
  const from = Math.min(maxTexts, Math.max(0, Math.ceil(seconds)))
  return Array.from({ length: from }, (_, passed) => text(key, { seconds: from - passed }))
}
