/** Custom attribute of a pool: `custom:<name>` (Cognito SchemaAttributeType). */
export interface CustomAttribute {
  /** Without the `custom:` prefix. */
  name: string
  type: 'String' | 'Number' | 'DateTime' | 'Boolean'
  mutable: boolean
  minLength?: number
  maxLength?: number
  minValue?: number
  maxValue?: number
}

/** OIDC Core §5.1 claims that Cognito knows as standard attributes; `sub` is kept apart. */
export const standardAttributeNames = [
  'name',
  'given_name',
  'family_name',
  'middle_name',
  'nickname',
  'preferred_username',
  'profile',
  'picture',
  'website',
  'email',
  'email_verified',
  'gender',
  'birthdate',
  'zoneinfo',
  'locale',
  'phone_number',
  'phone_number_verified',
  'address',
  'updated_at',
] as const

/** Whether the pool has a place for it. */
export const isKnownAttribute = (
  { customAttributes }: { customAttributes: readonly CustomAttribute[] },
  name: string,
): boolean =>
  (standardAttributeNames as readonly string[]).includes(name) ||
  customAttributes.some((attribute) => `custom:${attribute.name}` === name)
