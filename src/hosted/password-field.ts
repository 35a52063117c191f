import type { UserPool } from '../domain/user-pools/user-pool.ts'
import type { ChosenPassword } from '../domain/users/breached-password.ts'
import { passwordRules } from '../domain/users/password-policy.ts'
import type { PasswordRule as BrokenRule } from '../domain/users/password-policy.ts'
import { maximumPasswordLength } from '../security/password-hash.ts'
import type { Locale } from '../platform/views/message-catalogue.ts'
import type { NewPasswordField } from '../platform/views/page-parts.ts'

/** What became of the password of a form, and the form. */
export interface ShownPassword {
  broken?: readonly BrokenRule[] | undefined
  empty?: boolean | undefined
  form?: ReadonlyMap<string, string> | undefined
}

/** The field for a new password, with the pool's rules told before they are broken. */
export function newPasswordField(
  userPool: UserPool,
  locale: Locale,
  { broken = [], empty = false, form }: ShownPassword,
): NewPasswordField {
  const { minimumLength } = userPool.passwordPolicy
  const shown = [
    ...passwordRules(userPool.passwordPolicy),
    'no-outer-space',
  ] as NewPasswordField['rules'][number]['id'][]
  const warns = userPool.onBreachedPassword === 'warn'
  const error = empty ? 'required' : errorKey(broken, warns)
  const insists = form !== undefined && chosenPassword(form).despiteBreaches
  return {
    rules: shown.map((id) => ({ id, text: locale.text(`passwordRules.${id}`, { minLength: minimumLength }) })),
    minLength: minimumLength,
    maxLength: maximumPasswordLength,
    ...(error === undefined ? {} : { error: locale.text(`fieldErrors.${error}`, { max: maximumPasswordLength }) }),
    ...(warns && (insists || broken.includes('breached'))
      ? { insist: { label: locale.text('passwordField.insist'), checked: insists } }
      : {}),
  }
}

/** The new password of a form, and whether its box says that it is meant. */
export const chosenPassword = (form: ReadonlyMap<string, string>): Required<ChosenPassword> => ({
  password: form.get('password') ?? '',
  despiteBreaches: form.get('useBreached') === '1',
})

function errorKey(broken: readonly BrokenRule[], warns: boolean): string | undefined {
  if (broken.length === 0) return undefined
  if (broken.includes('breached')) return warns ? 'passwordBreachedWarning' : 'passwordBreached'
  return broken.includes('too-long') ? 'passwordTooLong' : 'passwordRules'
}
