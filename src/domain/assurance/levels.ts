import type { UserPool } from '../user-pools/user-pool.ts'

/*
 * How sure a sign-in is of the person (reference: hosted UI, step-up). Pure: what has been proved says it all. 1: a password;
 * 2: a code to an address; 3: a passkey, or a password with a code to an address; 4: an authenticator app beside something else.
 */

export type AssuranceLevel = 0 | 1 | 2 | 3 | 4

export const assuranceLevels = [1, 2, 3, 4] as const

const passkeys = ['swk', 'hwk']
const messages = ['sms', 'email_otp']

/** @param amr what has been proved; `mfa` says nothing of its own */
export function levelOf(amr: readonly string[]): AssuranceLevel {
  const has = (...names: readonly string[]): boolean => names.some((name) => amr.includes(name))
  if (has('otp') && has('pwd', ...passkeys, ...messages)) return 4
  if (has(...passkeys) || (has('pwd') && has(...messages))) return 3
  if (has(...messages)) return 2
  return has('pwd') ? 1 : 0
}

/** `acr` of tokens, in the pool's own words for it; absent: nothing was proved here. */
export function acrOf({ acrValues }: Pick<UserPool, 'acrValues'>, amr: readonly string[]): string | undefined {
  const level = levelOf(amr)
  return level === 0 ? undefined : acrValues[level - 1]
}

/**
 * What a request asks for (OpenID Connect Core §3.1.2.1, `acr_values`): any of those that it names is enough, so the least of
 * them counts. Names that are none of the pool's say nothing.
 */
export function askedLevel({ acrValues }: Pick<UserPool, 'acrValues'>, asked: string | undefined): AssuranceLevel {
  const named = new Set((asked ?? '').split(' '))
  const levels = assuranceLevels.filter((level) => named.has(acrValues[level - 1] ?? ''))
  return levels[0] ?? 0
}
