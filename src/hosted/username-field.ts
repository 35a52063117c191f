import type { UserPool } from '../domain/user-pools/user-pool.ts'
import type { Locale } from '../platform/views/message-catalogue.ts'
import type { UsernameField } from '../platform/views/page-parts.ts'

/** The field that takes whatever the pool's users sign in with. */
export function usernameField(userPool: UserPool, locale: Locale, value: string, error?: string): UsernameField {
  const { usernameAttributes } = userPool
  const key = labelKey(userPool)
  const onlyEmail = usernameAttributes.length === 1 && usernameAttributes[0] === 'email'
  const onlyPhone = usernameAttributes.length === 1 && usernameAttributes[0] === 'phone_number'
  return {
    label: locale.text(`identifiers.${key}`),
    type: onlyEmail ? 'email' : onlyPhone ? 'tel' : 'text',
    value,
    autocomplete: 'username',
    ...(error === undefined ? {} : { error }),
  }
}

function labelKey({ usernameAttributes, aliasAttributes }: UserPool): string {
  if (usernameAttributes.length === 2) return 'email_or_phone_number'
  if (usernameAttributes[0] !== undefined) return usernameAttributes[0]
  const email = aliasAttributes.includes('email')
  const phone = aliasAttributes.includes('phone_number')
  if (email && phone) return 'any'
  if (email) return 'username_or_email'
  return phone ? 'username_or_phone_number' : 'username'
}
