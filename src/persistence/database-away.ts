/*
 * When an error says that the database is not there for the moment, as opposed to: that something is wrong with what it
 * was asked. What was asked can be asked again.
 */

const systemCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
])

/**
 * SQLSTATE: connection exceptions, out of disk, memory or connections, a statement that ran out of time, a server that
 * starts or stops, and one that has become the copy of another.
 */
const states = /^(08...|53...|57014|57P0[1-5]|25006)$/

/** What `pg` says without a code of any kind, and PostgreSQL with one that means much else (55000). */
const words =
  /^(timeout exceeded when trying to connect|Connection terminated|Client has encountered a connection error)|is not currently accepting connections$/

/** @param error also one that wraps others: each address of a host fails by itself */
export function isDatabaseAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const { code } = error as { code?: unknown }
  if (typeof code === 'string' && (systemCodes.has(code) || states.test(code))) return true
  if (words.test(error.message)) return true
  const parts: readonly unknown[] = error instanceof AggregateError ? error.errors : []
  return [...parts, error.cause].some(isDatabaseAway)
}
