import { record } from '../audit/record.ts'
import type { Device } from '../devices/device.ts'
import type { Identity } from '../identity-providers/identity-provider.ts'
import type { OwnedPasskey } from '../passkeys/passkey.ts'
import type { DomainServices } from '../ports/services.ts'
import type { User } from './user.ts'

/** Events of the audit trail in an export at most: the latest. */
const exportedEvents = 10_000

/**
 * Everything that is stored of a user and is theirs to have: in Cognito's words where it has them. Hashes and secrets are
 * left out, since a file lies about.
 */
export async function exportUser(
  services: DomainServices,
  { userPoolId, sub, ...user }: User,
): Promise<Readonly<Record<string, unknown>>> {
  const at = services.clock.now()
  const { store } = services
  const [groups, consents, sessions, grants, tokens, passkeys, devices, events] = await Promise.all([
    store.groups.ofUser(userPoolId, sub),
    store.consents.ofUser(userPoolId, sub),
    store.browserSessions.ofUser(userPoolId, sub, at),
    store.grants.ofUser(userPoolId, sub, at),
    store.softwareTokens.ofUser(userPoolId, sub),
    store.passkeys.ofUser(userPoolId, sub),
    store.devices.ofUser(userPoolId, sub, at),
    store.auditTrail.page({ userPoolId, limit: exportedEvents, oldestFirst: false, subjects: [sub] }),
  ])
  await record(services, store, { userPoolId, eventType: 'UserExport', userSub: sub })
  return {
    ExportedAt: at,
    UserPoolId: userPoolId,
    Username: user.username,
    Sub: sub,
    UserStatus: user.status,
    UserCreateDate: user.createdAt,
    UserLastModifiedDate: user.updatedAt,
    UserAttributes: Object.entries(user.attributes).map(([Name, Value]) => ({ Name, Value })),
    HasPassword: user.passwordHash !== undefined,
    UserMFASettingList: user.mfaTypes ?? [],
    PreferredMfaSetting: user.preferredMfa,
    SoftwareTokens: tokens.map(({ createdAt, lastUsedAt }) => ({ CreatedAt: createdAt, LastUsedAt: lastUsedAt })),
    Passkeys: passkeys.map(passkeyMembers),
    Devices: devices.map(deviceMembers),
    Identities: (user.identities ?? []).map(identityMembers),
    Groups: groups.map(({ name }) => name),
    Consents: consents.map(({ clientId, scopes, createdAt }) => ({
      ClientId: clientId,
      Scopes: scopes,
      CreatedAt: createdAt,
    })),
    Sessions: sessions.map(({ authTime, lastUsedAt, address, userAgent, amr }) => ({
      AuthTime: authTime,
      LastUsedAt: lastUsedAt,
      IpAddress: address,
      UserAgent: userAgent,
      Amr: amr,
    })),
    SignedInApps: grants.map(({ clientId, createdAt }) => ({ ClientId: clientId, CreatedAt: createdAt })),
    AuthEvents: events.map((event) => ({
      EventType: event.eventType,
      CreationDate: event.at,
      EventResponse: event.response,
      Reason: event.reason,
      ClientId: event.clientId,
      IpAddress: event.address,
      UserAgent: event.userAgent,
    })),
  }
}

const identityMembers = ({ providerName, userId, linkedAt }: Identity) => ({
  ProviderName: providerName,
  UserId: userId,
  LinkedAt: linkedAt,
})

/** Cognito's ListDevices. */
const deviceMembers = ({ deviceKey, userAgent, address, createdAt, lastUsedAt, expiresAt }: Device) => ({
  DeviceKey: deviceKey,
  DeviceName: userAgent,
  LastIpUsed: address,
  DeviceCreateDate: createdAt,
  DeviceLastAuthenticatedDate: lastUsedAt,
  ExpiresAt: expiresAt,
})

/** Cognito's ListWebAuthnCredentials. */
const passkeyMembers = ({ id, name, rpId, createdAt, lastUsedAt }: OwnedPasskey) => ({
  CredentialId: id,
  FriendlyCredentialName: name,
  RelyingPartyId: rpId,
  CreatedAt: createdAt,
  LastUsedAt: lastUsedAt,
})
