import type { Context } from 'koa'
import type { AttemptsExceeded } from '../domain/lock-out/lock-out.ts'
import type { RefusedCode } from '../domain/verification-codes/check-code.ts'
import type { Locale } from '../platform/views/message-catalogue.ts'

/** Answers with 429 (RFC 6585 §4) and says how long to wait; the page goes around it. */
export function tellToWait(
  { ctx, locale }: { ctx: Context; locale: Locale },
  { retryAfterSeconds }: Pick<AttemptsExceeded, 'retryAfterSeconds'>,
  ...keys: readonly string[]
): string {
  ctx.status = 429
  ctx.set('Retry-After', String(retryAfterSeconds))
  return keys.map((key) => locale.text(key, { wait: waitText(locale, retryAfterSeconds) })).join(' ')
}

/** Never too short: minutes are rounded up. */
const waitText = (locale: Locale, seconds: number): string =>
  locale.duration(seconds < 120 ? seconds : Math.ceil(seconds / 60) * 60)

/** What stands at the field of a code that was not taken. */
export const codeError = (step: { ctx: Context; locale: Locale }, outcome: RefusedCode | AttemptsExceeded): string =>
  outcome.reason === 'attemptsExceeded'
    ? tellToWait(step, outcome, 'outcomes.limitExceeded', 'limits.tryAgain')
    : step.locale.text(`outcomes.${outcome.reason}`)
