import {
  AuthorizationResponseError,
  ClientError,
  ResponseBodyError,
  WWWAuthenticateChallengeError,
} from 'openid-client'

/** Why a step of the relying party did not work, in the words that its page can show. */
export type RelyingPartyFailure =
  /** The server said no: an OAuth error code (RFC 6749 §4.1.2.1 and §5.2, RFC 6750 §3.1) and its description. */
  | { readonly kind: 'refused'; readonly error: string; readonly description?: string }
  /** The server gave no usable answer: a network failure, a time-out, an unexpected status. */
  | { readonly kind: 'unreachable'; readonly reason: string }
  /** The server's answer did not pass a check: a signature, a claim, a missing member. */
  | { readonly kind: 'untrusted'; readonly reason: string }

/** A check of our own, beyond openid-client's, that an answer did not pass. */
export class UntrustedAnswerError extends Error {}

// Enough for any honest description; a page is not the place for a longer one.
const maxTextLength = 300

const withoutAnswer = ['OAUTH_TIMEOUT', 'OAUTH_ABORT', 'OAUTH_RESPONSE_IS_NOT_CONFORM', 'OAUTH_RESPONSE_IS_NOT_JSON']

export type Attempt<Value> =
  { readonly ok: true; readonly value: Value } | { readonly ok: false; readonly failure: RelyingPartyFailure }

/** Runs a step of the relying party; a refusal or a fault of the server is an answer, a fault of ours is thrown. */
export async function attempt<Value>(step: Promise<Value>): Promise<Attempt<Value>> {
  try {
    return { ok: true, value: await step }
  } catch (error) {
    return { ok: false, failure: relyingPartyFailure(error) }
  }
}

/**
 * Translates what openid-client throws. Anything else is thrown on: it is a fault of ours.
 * The causes of openid-client's errors hold whole answers, tokens included, so only messages are taken over.
 */
function relyingPartyFailure(error: unknown): RelyingPartyFailure {
  if (error instanceof AuthorizationResponseError || error instanceof ResponseBodyError) {
    return refused(error.error, error.error_description)
  }
  if (error instanceof WWWAuthenticateChallengeError) {
    const parameters = error.cause[0]?.parameters
    return refused(parameters?.error ?? `HTTP ${error.status}`, parameters?.error_description)
  }
  if (!(error instanceof Error)) throw error
  if (error instanceof TypeError && error.message === 'fetch failed') {
    return { kind: 'unreachable', reason: error.cause instanceof Error ? cut(error.cause.message) : error.message }
  }
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  // openid-client throws oauth4webapi's errors as they are where it builds URLs; those are known by their codes.
  const ofTheLibrary = error instanceof ClientError || code.startsWith('OAUTH_')
  if (!ofTheLibrary && !(error instanceof UntrustedAnswerError)) throw error
  return { kind: withoutAnswer.includes(code) ? 'unreachable' : 'untrusted', reason: reasonOf(error) }
}

function refused(error: string, description: string | undefined): RelyingPartyFailure {
  return {
    kind: 'refused',
    error: cut(error),
    ...(description === undefined ? {} : { description: cut(description) }),
  }
}

function reasonOf(error: Error): string {
  const inner = error.cause instanceof Error && error.cause.message !== error.message ? `: ${error.cause.message}` : ''
  return cut(`${error.message}${inner}`)
}

const cut = (text: string): string => (text.length > maxTextLength ? `${text.slice(0, maxTextLength)}…` : text)
