import { record } from '../audit/record.ts'
import type { Identity } from '../identity-providers/identity-provider.ts'
import { softwareTokenSecret } from '../mfa/software-token.ts'
import type { OwnedSoftwareToken } from '../mfa/software-token.ts'
import type { OwnedPasskey } from '../passkeys/passkey.ts'
import type { DomainServices } from '../ports/services.ts'
import type { UserPool } from '../user-pools/user-pool.ts'
import { lookupKey } from '../users/sign-in-name.ts'
import type { Group, User } from '../users/user.ts'
import type { ImportRow } from './import-row.ts'

/*
 * Users as they can be imported again, here or on another server: with password hashes and the secrets of second factors,
 * which is why a file of them is sealed. Recovery codes stay behind: what is stored of them opens with this server's secret
 * alone.
 */

/** Begins an export: it is on record who took everybody along. */
export async function beginExport(services: DomainServices, userPool: UserPool): Promise<readonly Group[]> {
  await record(services, services.store, {
    userPoolId: userPool.id,
    eventType: 'UserExport',
    detail: { users: 'all' },
  })
  return services.store.groups.list(userPool.id)
}

export interface ExportPage {
  users: readonly ImportRow[]
  /** Canonical user name after which the next page begins; absent: this was the last. */
  next?: string
}

/** By a fixed number of queries, however many users. */
export async function exportPage(
  services: DomainServices,
  userPool: UserPool,
  { limit, after }: { limit: number; after?: string | undefined },
): Promise<ExportPage> {
  const { store } = services
  const users = await store.users.page({ userPoolId: userPool.id, limit, ...(after === undefined ? {} : { after }) })
  const { groups, softwareTokens, passkeys } = await store.userImports.belongings(
    userPool.id,
    users.map(({ sub }) => sub),
  )
  const [groupsOf, tokensOf, passkeysOf] = [bySub(groups), bySub(softwareTokens), bySub(passkeys)]
  const rows = users.map((user) =>
    rowOf(user, {
      groups: (groupsOf.get(user.sub) ?? []).map(({ name }) => name),
      softwareTokens: (tokensOf.get(user.sub) ?? []).map((token) => tokenMembers(services, token)),
      passkeys: (passkeysOf.get(user.sub) ?? []).map(passkeyMembers),
    }),
  )
  const last = users.at(-1)
  return users.length < limit || last === undefined
    ? { users: rows }
    : { users: rows, next: lookupKey(userPool, last.username) }
}

const bySub = <Row extends { userSub: string }>(rows: readonly Row[]): ReadonlyMap<string, readonly Row[]> =>
  Map.groupBy(rows, ({ userSub }) => userSub)

function rowOf(
  user: User,
  belongings: {
    groups: string[]
    softwareTokens: NonNullable<ImportRow['SoftwareTokens']>
    passkeys: NonNullable<ImportRow['Passkeys']>
  },
): ImportRow {
  const { groups, softwareTokens, passkeys } = belongings
  return {
    Username: user.username,
    Sub: user.sub,
    // Others never sign in by themselves.
    ...(isImportable(user.status) ? { UserStatus: user.status } : {}),
    Enabled: user.enabled,
    Attributes: { ...user.attributes },
    ...(user.passwordHash === undefined ? {} : { PasswordHash: user.passwordHash }),
    ...(user.temporaryPasswordExpiresAt === undefined
      ? {}
      : { TemporaryPasswordExpiresAt: user.temporaryPasswordExpiresAt.toISOString() }),
    ...(groups.length === 0 ? {} : { Groups: groups }),
    ...(user.mfaTypes === undefined || user.mfaTypes.length === 0 ? {} : { UserMFASettingList: [...user.mfaTypes] }),
    ...(user.preferredMfa === undefined ? {} : { PreferredMfaSetting: user.preferredMfa }),
    ...(softwareTokens.length === 0 ? {} : { SoftwareTokens: softwareTokens }),
    ...(passkeys.length === 0 ? {} : { Passkeys: passkeys }),
    ...(user.identities === undefined ? {} : { Identities: user.identities.map(identityMembers) }),
    UserCreateDate: user.createdAt.toISOString(),
    UserLastModifiedDate: user.updatedAt.toISOString(),
  }
}

const isImportable = (status: User['status']): status is NonNullable<ImportRow['UserStatus']> =>
  ['CONFIRMED', 'UNCONFIRMED', 'FORCE_CHANGE_PASSWORD', 'RESET_REQUIRED', 'EXTERNAL_PROVIDER'].includes(status)

const tokenMembers = (
  { sealedBox }: Pick<DomainServices, 'sealedBox'>,
  token: OwnedSoftwareToken,
): NonNullable<ImportRow['SoftwareTokens']>[number] => ({
  Secret: softwareTokenSecret(sealedBox, token.sealedSecret),
  LastTimeStep: token.lastTimeStep,
  CreatedAt: token.createdAt.toISOString(),
  LastUsedAt: token.lastUsedAt.toISOString(),
})

const identityMembers = (identity: Identity): NonNullable<ImportRow['Identities']>[number] => ({
  ProviderName: identity.providerName,
  ProviderType: identity.providerType,
  Issuer: identity.issuer,
  UserId: identity.userId,
  Primary: identity.primary,
  LinkedAt: identity.linkedAt,
})

const passkeyMembers = (passkey: OwnedPasskey): NonNullable<ImportRow['Passkeys']>[number] => ({
  CredentialId: passkey.id,
  RelyingPartyId: passkey.rpId,
  PublicKey: passkey.publicKey,
  Counter: passkey.counter,
  Transports: [...passkey.transports],
  IsPlatform: passkey.isPlatform,
  FriendlyCredentialName: passkey.name,
  CreatedAt: passkey.createdAt.toISOString(),
  ...(passkey.lastUsedAt === undefined ? {} : { LastUsedAt: passkey.lastUsedAt.toISOString() }),
})
