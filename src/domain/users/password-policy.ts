import { maximumPasswordLength } from '../../security/password-hash.ts'
import type { PasswordPolicy } from '../user-pools/user-pool.ts'

export type PasswordRule =
  'length' | 'uppercase' | 'lowercase' | 'number' | 'symbol' | 'no-outer-space' | 'too-long' | 'breached'

/** Cognito's list of what counts as a symbol, beside a blank inside the password. */
const symbols = /[\^$*.[\]{}()?"!@#%&/\\,><':;|_~`=+ -]/

/** The rules of a pool, in the order that pages and messages name them. */
export function passwordRules(policy: PasswordPolicy): readonly PasswordRule[] {
  const rules: PasswordRule[] = ['length']
  if (policy.requireUppercase) rules.push('uppercase')
  if (policy.requireLowercase) rules.push('lowercase')
  if (policy.requireNumbers) rules.push('number')
  if (policy.requireSymbols) rules.push('symbol')
  return rules
}

/** @returns the rules that a password breaks; none when it may be used */
export function brokenRules(policy: PasswordPolicy, password: string): readonly PasswordRule[] {
  const broken = passwordRules(policy).filter((rule) => !keeps(rule, policy, password))
  if (password !== password.trim()) broken.push('no-outer-space')
  if (password.length > maximumPasswordLength) broken.push('too-long')
  return broken
}

function keeps(rule: PasswordRule, policy: PasswordPolicy, password: string): boolean {
  switch (rule) {
    case 'length':
      return password.length >= policy.minimumLength
    case 'uppercase':
      return /\p{Lu}/u.test(password)
    case 'lowercase':
      return /\p{Ll}/u.test(password)
    case 'number':
      return /\p{Nd}/u.test(password)
    case 'symbol':
      return symbols.test(password.trim())
    default:
      return true
  }
}
