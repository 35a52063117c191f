import type { TriggerAnswer } from '../domain/ports/trigger-runner.ts'
import { ForbiddenAddressError } from '../platform/http/guarded-request.ts'

/** A person reads it: no more than this of what was thrown. */
const maximumMessage = 1000

function parseJson(text: string): { value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) as unknown }
  } catch {
    return undefined
  }
}

/** Lambda's form of an error: `{"errorMessage": "…", "errorType": "…"}`. */
export function errorMessageIn(body: string): string | undefined {
  const value = parseJson(body)?.value
  const message =
    typeof value === 'object' && value !== null ? (value as { errorMessage?: unknown }).errorMessage : undefined
  return typeof message === 'string' ? threwWith(message) : undefined
}

/** In one line, and not endless. */
export const threwWith = (message: string): string =>
  message
    .toWellFormed()
    .replaceAll(/[\p{Cc}\s]+/gu, ' ')
    .trim()
    .slice(0, maximumMessage)

export const answered = (body: string): TriggerAnswer => {
  const parsed = parseJson(body)
  return parsed === undefined ? { kind: 'answered', event: undefined } : { kind: 'answered', event: parsed.value }
}

/** Why no answer has come; where it may come yet, it is asked again. */
export function noAnswer(error: unknown, signal: AbortSignal): TriggerAnswer {
  if (error instanceof ForbiddenAddressError) return { kind: 'failed', problem: error.message, again: false }
  if (signal.aborted) return { kind: 'failed', problem: 'no answer within its time', again: true }
  const { code, message } = error as { code?: unknown; message?: unknown }
  const problem = typeof code === 'string' ? code : String(message)
  return { kind: 'failed', problem, again: typeof code === 'string' }
}
