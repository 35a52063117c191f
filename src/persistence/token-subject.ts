import type { Identity } from '../domain/identity-providers/identity-provider.ts'
import type { MfaType } from '../domain/mfa/mfa-type.ts'
import type { TokenSubject } from '../domain/ports/store.ts'
import type { Group, User, UserAttributes, UserStatus } from '../domain/users/user.ts'
import { present } from './rows.ts'

/** What a query selects of its joined user beside `userPoolId` and `userSub`, under names that no grant has. */
export const subjectColumns = [
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
  'users.created_at as userCreatedAt',
  'users.updated_at as userUpdatedAt',
] as const

interface SubjectColumns {
  username: string
  status: UserStatus
  enabled: boolean
  attributes: UserAttributes
  passwordHash: string | null
  temporaryPasswordExpiresAt: Date | null
  signedOutAt: Date | null
  mfaTypes: MfaType[]
  preferredMfa: MfaType | null
  hasPasskeys: boolean
  identities: readonly Identity[] | null
  userCreatedAt: Date
  userUpdatedAt: Date
  groups: Group[]
}

type SubjectRow = SubjectColumns & { userPoolId: string; userSub: string }

/** Takes the user and the groups out of a joined row; what remains is the code or the grant. */
export function splitSubject<Row extends SubjectRow>(
  row: Row,
): { subject: TokenSubject; rest: Omit<Row, keyof SubjectColumns> } {
  const {
    username,
    status,
    enabled,
    attributes,
    passwordHash,
    temporaryPasswordExpiresAt,
    signedOutAt,
    mfaTypes,
    preferredMfa,
    hasPasskeys,
    identities,
    userCreatedAt,
    userUpdatedAt,
    groups,
    ...rest
  } = row
  return { subject: { user: userOf(row), groups }, rest }
}

const userOf = (row: SubjectRow): User =>
  present({
    userPoolId: row.userPoolId,
    sub: row.userSub,
    username: row.username,
    status: row.status,
    enabled: row.enabled,
    attributes: row.attributes,
    passwordHash: row.passwordHash,
    temporaryPasswordExpiresAt: row.temporaryPasswordExpiresAt,
    signedOutAt: row.signedOutAt,
    mfaTypes: row.mfaTypes,
    preferredMfa: row.preferredMfa,
    hasPasskeys: row.hasPasskeys,
    identities: row.identities,
    createdAt: row.userCreatedAt,
    updatedAt: row.userUpdatedAt,
  })
