import type { Identity } from '../identity-providers/identity-provider.ts'
import { softwareTokenPurpose } from '../mfa/software-token.ts'
import type { OwnedSoftwareToken } from '../mfa/software-token.ts'
import { attributeOf, isMessaged } from '../mfa/mfa-type.ts'
import type { MfaType } from '../mfa/mfa-type.ts'
import { maximumPasskeyNameLength } from '../passkeys/passkey.ts'
import type { OwnedPasskey } from '../passkeys/passkey.ts'
import type { DomainServices } from '../ports/services.ts'
import type { ImportedUser } from '../ports/user-import-repository.ts'
import type { UserPool } from '../user-pools/user-pool.ts'
import { isKnownAttribute } from '../users/attribute-schema.ts'
import { identifiersOf, readSignInName } from '../users/sign-in-name.ts'
import type { UserStatus } from '../users/user.ts'
import { validateAttributes } from '../users/validate-attributes.ts'
import { storedHash } from './imported-password.ts'
import type { CheckedRow } from './import-row.ts'

type Preparing = Pick<DomainServices, 'sealedBox' | 'clock' | 'random' | 'passwordHasher'>

/** Why a row makes no user, for whoever imports it. */
export class RowRefused extends Error {}

/**
 * The user that a row of a file makes. Nothing is looked up.
 * @throws RowRefused
 */
export function prepareUser(services: Preparing, userPool: UserPool, row: CheckedRow): ImportedUser {
  const sub = row.Sub ?? row.Attributes['sub'] ?? services.random.uuid()
  const given = attributesOf(userPool, row)
  const { username, attributes } = named(userPool, row, given, sub)
  const passwordHash = passwordHashOf(row)
  const status = statusOf(row, attributes, passwordHash)
  const confirmed = status === 'CONFIRMED' || status === 'RESET_REQUIRED'
  const at = services.clock.now()
  const mfaTypes = mfaTypesOf(row, attributes)
  const createdAt = row.UserCreateDate ?? at
  return {
    user: {
      userPoolId: userPool.id,
      sub,
      username,
      status,
      enabled: row.Enabled,
      attributes,
      ...(passwordHash === undefined
        ? {}
        : { passwordHash, passwordForm: services.passwordHasher.importedForm(passwordHash) }),
      ...(row.TemporaryPasswordExpiresAt === undefined
        ? {}
        : { temporaryPasswordExpiresAt: row.TemporaryPasswordExpiresAt }),
      mfaTypes,
      ...preferredOf(row, mfaTypes),
      hasPasskeys: row.Passkeys.length > 0,
      createdAt,
      updatedAt: row.UserLastModifiedDate ?? createdAt,
      ...identitiesOf(row),
      identifiers: identifiersOf(userPool, {
        ...{ username, attributes, confirmed },
        external: status === 'EXTERNAL_PROVIDER',
      }),
    },
    groups: [...new Set(row.Groups)],
    softwareTokens: softwareTokensOf(services, userPool, row, sub, at),
    passkeys: passkeysOf(userPool, row, sub, at),
  }
}

/** Without what is no attribute of the user but of its place: ids, states, providers. */
function attributesOf(userPool: UserPool, { Attributes: given }: CheckedRow): Record<string, string> {
  const own = Object.entries(given).filter(
    ([name, value]) => value !== '' && !['sub', 'identities'].includes(name) && !name.startsWith('cognito:'),
  )
  const unknown = own.map(([name]) => name).filter((name) => !isKnownAttribute(userPool, name))
  if (unknown.length > 0) throw new RowRefused(`the user pool’s Schema has no attribute ${unknown.join(', ')}`)
  return Object.fromEntries(own)
}

function named(
  userPool: UserPool,
  row: CheckedRow,
  given: Readonly<Record<string, string>>,
  sub: string,
): { username: string; attributes: Record<string, string> } {
  if (row.UserStatus === 'EXTERNAL_PROVIDER') {
    return { username: row.Username ?? sub, attributes: checkedAttributes(userPool, given) }
  }
  const byAddress = userPool.usernameAttributes.length > 0
  const address = userPool.usernameAttributes.map((name) => given[name]).find((value) => value !== undefined)
  // Where users sign in by address, a user name of another pool is an id of its own, and tells nobody anything.
  const typed = byAddress && address !== undefined ? address : (row.Username ?? '')
  const name = readSignInName(userPool, typed)
  if (byAddress && name.kind === 'invalid' && address === undefined) {
    throw new RowRefused('has no address to sign in with')
  }
  if (typed === '') throw new RowRefused('Username: is missing')
  if (name.kind === 'invalid') throw new RowRefused(`Username: ${nameProblems[name.problem]}`)
  const values = name.kind === 'username' ? given : { ...given, [name.kind]: name.address }
  return { username: name.kind === 'username' ? name.username : sub, attributes: checkedAttributes(userPool, values) }
}

function checkedAttributes(userPool: UserPool, values: Readonly<Record<string, string>>): Record<string, string> {
  const checked = validateAttributes(userPool, values)
  if (checked.ok) return checked.attributes
  const problems = Object.entries(checked.problems).map(([attribute, problem]) => `${attribute}: ${wrong[problem]}`)
  throw new RowRefused(problems.join('; '))
}

const nameProblems = {
  invalid: 'is no user name',
  looksLikeEmail: 'looks like an e-mail address, which is an alias here',
  looksLikePhone: 'looks like a phone number, which is an alias here',
  emailOrPhone: 'is neither an e-mail address nor a phone number',
  email: 'is no e-mail address',
  phone: 'is no phone number',
} as const

const wrong = {
  required: 'is missing',
  email: 'is no e-mail address',
  phone: 'is no phone number',
  date: 'is no date such as 2026-01-31',
  tooLong: 'is too long',
  invalid: 'is not allowed by the Schema',
} as const

function passwordHashOf({ PasswordHash: text }: CheckedRow): string | undefined {
  if (text === undefined || text === '') return undefined
  const stored = storedHash(text)
  if (stored !== undefined) return stored
  throw new RowRefused('PasswordHash: of no kind that is understood, or one that costs too much to check')
}

/** As Cognito's imports: with a hash CONFIRMED, without one RESET_REQUIRED, which takes an address to prove it by. */
function statusOf(
  row: CheckedRow,
  attributes: Readonly<Record<string, string>>,
  passwordHash: string | undefined,
): UserStatus {
  const status = row.UserStatus ?? (passwordHash === undefined ? 'RESET_REQUIRED' : 'CONFIRMED')
  const hasProved = attributes['email_verified'] === 'true' || attributes['phone_number_verified'] === 'true'
  if (status === 'EXTERNAL_PROVIDER' && row.Identities.length === 0) {
    throw new RowRefused('UserStatus: EXTERNAL_PROVIDER takes Identities')
  }
  if (status !== 'RESET_REQUIRED' || hasProved) return status
  throw new RowRefused('has neither a password hash nor a verified address: nobody could sign in')
}

const identitiesOf = ({ Identities: rows }: CheckedRow): { identities?: readonly Identity[] } =>
  rows.length === 0
    ? {}
    : {
        identities: rows.map((row) => ({
          providerName: row.ProviderName,
          providerType: row.ProviderType,
          issuer: row.Issuer,
          userId: row.UserId,
          primary: row.Primary,
          linkedAt: row.LinkedAt.toISOString(),
        })),
      }

function mfaTypesOf(row: CheckedRow, attributes: Readonly<Record<string, string>>): readonly MfaType[] {
  const { UserMFASettingList: listed, SoftwareTokens: tokens, Passkeys: passkeys } = row
  const types = [...new Set(listed ?? (tokens.length > 0 ? (['SOFTWARE_TOKEN_MFA'] as const) : []))]
  for (const type of types) {
    const isThere = isMessaged(type)
      ? attributes[attributeOf[type]] !== undefined
      : (type === 'WEB_AUTHN' ? passkeys : tokens).length > 0
    if (!isThere) throw new RowRefused(`UserMFASettingList: there is nothing for ${type} to work with`)
  }
  return types
}

const preferredOf = (row: CheckedRow, types: readonly MfaType[]): { preferredMfa?: MfaType } =>
  row.PreferredMfaSetting !== undefined && types.includes(row.PreferredMfaSetting)
    ? { preferredMfa: row.PreferredMfaSetting }
    : {}

const softwareTokensOf = (
  { sealedBox, random }: Preparing,
  { id: userPoolId }: UserPool,
  row: CheckedRow,
  userSub: string,
  at: Date,
): readonly OwnedSoftwareToken[] =>
  row.SoftwareTokens.map((token) => ({
    userPoolId,
    userSub,
    id: random.uuid(),
    sealedSecret: sealedBox.seal(token.Secret.replaceAll(/[ =]/g, '').toUpperCase(), softwareTokenPurpose),
    lastTimeStep: token.LastTimeStep,
    createdAt: token.CreatedAt ?? at,
    lastUsedAt: token.LastUsedAt ?? token.CreatedAt ?? at,
  }))

const passkeysOf = (
  { id: userPoolId }: UserPool,
  row: CheckedRow,
  userSub: string,
  at: Date,
): readonly OwnedPasskey[] =>
  row.Passkeys.map((passkey) => ({
    userPoolId,
    userSub,
    id: passkey.CredentialId,
    rpId: passkey.RelyingPartyId,
    publicKey: passkey.PublicKey,
    counter: passkey.Counter,
    transports: passkey.Transports,
    isPlatform: passkey.IsPlatform,
    name: passkey.FriendlyCredentialName.slice(0, maximumPasskeyNameLength),
    createdAt: passkey.CreatedAt ?? at,
    ...(passkey.LastUsedAt === undefined ? {} : { lastUsedAt: passkey.LastUsedAt }),
  }))
