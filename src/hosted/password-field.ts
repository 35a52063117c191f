import type { UserPool } from '../domain/user-pools/user-pool.ts'
import { passwordRules } from '../domain/users/password-policy.ts'
import type { PasswordRule as BrokenRule } from '../domain/users/password-policy.ts'
import { maximumPasswordLength } from '../security/password-hash.ts'
import type { Locale } from '../platform/views/message-catalogue.ts'
import type { NewPasswordField } from '../platform/views/page-parts.ts'

/** The field for a new password, with the pool's rules told before they are broken. */
export function newPasswordField(
  userPool: UserPool,
  locale: Locale,
  broken: readonly BrokenRule[],
  empty = false,
): NewPasswordField {
  const { minimumLength } = userPool.passwordPolicy
  const shown = [
    ...passwordRules(userPool.passwordPolicy),
    'no-outer-space',
  ] as NewPasswordField['rules'][number]['id'][]
  const error = empty ? 'required' : errorKey(broken)
  return {
    rules: shown.map((id) => ({ id, text: locale.text(`passwordRules.${id}`, { minLength: minimumLength }) })),
    minLength: minimumLength,
    maxLength: maximumPasswordLength,
    ...(error === undefined ? {} : { error: locale.text(`fieldErrors.${error}`, { max: maximumPasswordLength }) }),
  }
}

function errorKey(broken: readonly BrokenRule[]): string | undefined {
  if (broken.length === 0) return undefined
  if (broken.includes('breached')) return 'passwordBreached'
  return broken.includes('too-long') ? 'passwordTooLong' : 'passwordRules'
}
