/** The members of `User`, by name: a prepared `select *` fails once a later release adds a column. */
export const userColumns = [
  'users.user_pool_id as userPoolId',
  'users.sub',
  'users.username',
  'users.status',
  'users.enabled',
  'users.attributes',
  'users.password_hash as passwordHash',
  'users.temporary_password_expires_at as temporaryPasswordExpiresAt',
  'users.signed_out_at as signedOutAt',
  'users.mfa_types as mfaTypes',
  'users.preferred_mfa as preferredMfa',
  'users.has_passkeys as hasPasskeys',
  'users.identities',
  'users.created_at as createdAt',
  'users.updated_at as updatedAt',
] as const
