import type { Context } from 'koa'
import type { AttemptsExceeded } from '../domain/lock-out/lock-out.ts'
import type { LimitExceeded, RateLimitName } from '../domain/rate-limits/rate-limits.ts'
import type { Locale } from '../platform/views/message-catalogue.ts'
import type { Alert } from '../platform/views/page-parts.ts'
import { errorAlert } from './render.ts'

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

/** Never too short: minutes are rounded up, and long waits are told in hours. */
function waitText(locale: Locale, seconds: number): string {
  const unit = seconds < 120 ? 1 : seconds < 3 * 3600 ? 60 : 3600
  return locale.duration(Math.ceil(seconds / unit) * unit)
}

const limitTexts: Readonly<Partial<Record<RateLimitName, string>>> = {
  MessagesPerRecipient: 'limits.messagesToRecipient',
  MessagesPerClient: 'limits.messages',
  MessagesPerUserPool: 'limits.messages',
}

/** What stands above a form that was not looked at, since too many came before it; what was typed is still there. */
export function limitAlert(step: { ctx: Context; locale: Locale }, limited: LimitExceeded): Alert {
  return errorAlert(tellToWait(step, limited, limitTexts[limited.limit] ?? 'limits.network', 'limits.tryAgain'))
}

/** What stands at the field of a code that was not taken. */
export const codeError = (
  step: { ctx: Context; locale: Locale },
  outcome: { kind: 'refused'; reason: string } | AttemptsExceeded,
): string =>
  'retryAfterSeconds' in outcome
    ? tellToWait(step, outcome, 'outcomes.limitExceeded', 'limits.tryAgain')
    : step.locale.text(`outcomes.${outcome.reason}`)
