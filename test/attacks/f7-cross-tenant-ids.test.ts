import { beforeAll, describe, expect, test } from 'vitest'
import type { Device } from '../../src/domain/devices/device.ts'
import type { Passkey } from '../../src/domain/passkeys/passkey.ts'
import type { NewUser } from '../../src/domain/ports/new-user.ts'
import type { Repositories, Store } from '../../src/domain/ports/store.ts'
import type { BrowserSession } from '../../src/domain/sessions/browser-session.ts'
import { onEachDatabase } from '../persistence/databases.ts'
import {
  addAppClient,
  addUser,
  addUserPool,
  authorizationCode,
  grantOf,
  later,
  newUser,
  now,
  auditEvent,
} from '../persistence/records.ts'

/*
 * Threat row F7: ids of one tenant at another one's door (ZITADEL CVE-2025-64431, and recycled ids CVE-2026-55670). Every
 * method of every repository, called for one pool with the ids of another, finds nothing and changes no row of it. The table
 * is complete or the test fails: a method that is added has to say what it does. Guards src/persistence.
 * (persistence/tenants.test.ts has two pools that hold the same ids.)
 */

interface Ids {
  userPoolId: string
  sub: string
  username: string
  clientId: string
  group: string
  server: string
  idHash: string
  uid: string
  code: string
  grant: string
  token: string
  kid: string
  domain: string
}

const idsOf = (userPoolId: string, mark: string): Ids => ({
  ...{ userPoolId, sub: `sub-${mark}`, username: `name-${mark}`, clientId: `client-${mark}`, group: `group-${mark}` },
  ...{
    server: `server-${mark}`,
    idHash: `hash-${mark}`,
    uid: `uid-${mark}`,
    code: `code-${mark}`,
    grant: `grant-${mark}`,
  },
  ...{ token: `token-${mark}`, kid: `kid-${mark}`, domain: `https://${mark}.example.com` },
})

/** What comes of it: nothing found or changed, an error of the database, or a row of one's own. */
type Outcome = 'nothing' | 'refused' | 'own'
type Call = (store: Store, own: string, theirs: Ids) => Promise<unknown>

/** Of no one pool: asked by the server for all of them, never with an id that came from outside. */
const ofEveryPool: ReadonlySet<string> = new Set([
  ...[
    'settings.generation',
    'settings.dropUnusedPasswordForms',
    'settings.userPools',
    'settings.retireSigningKeys',
    'settings.poolsWithSigningKeysDue',
  ],
  ...['outbox.take', 'outbox.markSent', 'outbox.markFailed', 'outbox.releaseAll', 'outbox.deadLetters'],
  ...[
    'outbox.retryDeadLetters',
    'outbox.nextDueAt',
    'housekeeping.deleteExpired',
    'eventDeliveries.due',
    'eventDeliveries.releaseAll',
  ],
])

/** Bound to their pool in domain/audit-chain, persistence/guesses and persistence/known-browsers. */
const shownElsewhere: ReadonlySet<string> = new Set([
  ...['add', 'addBatches', 'batches', 'deleteThrough', 'events', 'hasWaiting', 'heads', 'lock', 'outside'].map(
    (method) => `auditTrail.${method}`,
  ),
  ...['behind', 'page', 'place', 'repeated', 'saveStarts', 'starts', 'waiting'].map((method) => `auditTrail.${method}`),
  ...['guesses.clear', 'guesses.count', 'guesses.lockedUntil', 'guesses.takeBack'],
  ...['knownBrowsers.forget', 'knownBrowsers.forgetAll', 'knownBrowsers.has', 'knownBrowsers.remember'],
  ...['browserSessions.end', 'housekeeping.deleteUnconfirmed', 'users.findAll'],
])
const tablesElsewhere: ReadonlySet<string> = new Set(
  'audit_batches audit_events audit_inbox audit_trails guess_counters known_browsers'.split(' '),
)

const session = (userPoolId: string, ids: Ids): BrowserSession => ({
  ...{ userPoolId, idHash: ids.idHash, uid: ids.uid, userSub: ids.sub, authTime: now, amr: [], authorizations: {} },
  ...{ transient: false, remembered: false, expiresAt: later(60) },
})
const userAt = (userPoolId: string, { sub, username }: Ids) =>
  newUser(userPoolId, username, { sub, identifiers: [{ kind: 'username', key: username }] })
const common = (userPoolId: string, { sub, clientId, idHash }: Ids) => ({
  ...{ userPoolId, userSub: sub, clientId, idHash, expiresAt: later(60) },
})
const codeOf = (userPoolId: string, ids: Ids) => ({
  ...common(userPoolId, ids),
  ...{ purpose: 'reset' as const, attribute: 'email' as const, destination: 'x', codeHash: ids.code, sentAt: now },
})
const decoyOf = (userPoolId: string, { sub, username }: Ids) => ({
  ...{ userPoolId, key: `${username}-decoy`, sub: `${sub}-decoy`, kind: 'email' as const, address: 'x' },
  ...{ passwordHash: 'h', attributesDigest: 'd', createdAt: now },
})
const flowOf = (userPoolId: string, ids: Ids) => ({
  ...common(userPoolId, ids),
  ...{ sealedInteractionUid: 's', browserHash: 'b', state: { request: {}, chosen: 'login' as const } },
})
const attemptOf = (userPoolId: string, ids: Ids) => ({
  ...common(userPoolId, ids),
  ...{ challenge: 'NEW_PASSWORD_REQUIRED' as const, amr: [], startedAt: now },
})
const passkeyOf = (userPoolId: string, { sub, idHash }: Ids): Passkey => ({
  userPoolId,
  userSub: sub,
  id: idHash,
  rpId: 'localhost',
  publicKey: 'key',
  counter: 1,
  transports: [],
  isPlatform: true,
  name: 'name',
})
const deviceOf = (userPoolId: string, { sub, idHash, uid }: Ids): Device => ({
  userPoolId,
  userSub: sub,
  deviceKey: uid,
  secretHash: idHash,
  createdAt: now,
  lastUsedAt: now,
  expiresAt: later(9),
})
const customSignInOf = (userPoolId: string, { sub: userSub, idHash, clientId }: Ids) => ({
  ...{ userPoolId, userSub, idHash, clientId, sealedState: 'sealed', startedAt: now, expiresAt: later(60) },
})
const importOf = (userPoolId: string, fileHash: string) => ({
  ...{ userPoolId, fileHash, rowsDone: 0, imported: 0, refused: 0, latestRefused: [], startedAt: now },
})
const identityOf = (userId: string) => ({ providerName: 'Acme', issuer: 'https://acme.example', userId })
const emptyHanded = (user: NewUser) => ({ user, softwareTokens: [], passkeys: [] })
const invocationOf = (userPoolId: string, id: string) => ({
  ...{ id, userPoolId, at: now, trigger: 'PreSignUp', source: 'PreSignUp_SignUp', durationMs: 1, attempts: 1 },
  ...{ outcome: 'Pass' as const, event: '{}' },
})
const softwareTokenOf = (userPoolId: string, { sub, idHash }: Ids) => ({
  ...{ userPoolId, userSub: sub, id: idHash, sealedSecret: 's', lastTimeStep: 1 },
})
const keyOf = (userPoolId: string, kid: string) => ({
  ...{ userPoolId, kid, use: 'id' as const, algorithm: 'RS256' as const, publicJwk: {}, sealedPrivateKey: 's' },
  ...{ createdAt: now, activeAt: now, predecessor: '' },
})
const poolOf = (id: string, domains: readonly string[]) => ({
  ...{ id, name: 'a pool', isDefault: false, issuer: `https://id.example.com/${id}`, issuerFollowsPublicUrl: false },
  ...{ domains, settings: {} },
})

const table: Record<string, [Outcome, Call]> = {
  'settings.saveUserPool': [
    'refused',
    (store, own, { domain }) => store.settings.saveUserPool(poolOf(own, [domain]), now),
  ],
  'settings.addPasswordForms': ['own', (store, own) => store.settings.addPasswordForms(own, ['$2b$10'], now)],
  'settings.deleteUserPool': ['own', (store, own) => store.settings.deleteUserPool(own)],
  'settings.appClients': ['own', (store, own) => store.settings.appClients(own)],
  'settings.lockAppClient': ['nothing', (store, own, { clientId }) => store.settings.lockAppClient(own, clientId)],
  'settings.saveAppClient': [
    'own',
    (store, userPoolId, { clientId, idHash }) => {
      const secret = { id: idHash, sealedSecret: 'theirs', added: false, createdAt: now }
      return store.settings.saveAppClient({ userPoolId, id: clientId, name: 'x', settings: {}, secrets: [secret] }, now)
    },
  ],
  'settings.deleteAppClient': ['nothing', (store, own, { clientId }) => store.settings.deleteAppClient(own, clientId)],
  'settings.resourceServers': ['own', (store, own) => store.settings.resourceServers(own)],
  'settings.saveResourceServer': [
    'own',
    (store, userPoolId, { server }) =>
      store.settings.saveResourceServer({ userPoolId, identifier: server, name: 'x', scopes: [] }, now),
  ],
  'settings.deleteResourceServer': [
    'nothing',
    (store, own, { server }) => store.settings.deleteResourceServer(own, server),
  ],
  'settings.signingKeys': ['own', (store, own) => store.settings.signingKeys(own)],
  'settings.addSigningKey': ['own', (store, own, { kid }) => store.settings.addSigningKey(keyOf(own, kid))],
  'settings.activateSigningKeys': ['own', (store, own) => store.settings.activateSigningKeys(own, now)],
  'settings.keepSigningKeys': ['own', (store, own, { kid }) => store.settings.keepSigningKeys(own, [kid])],
  'users.add': ['own', (store, own, ids) => store.users.add(userAt(own, ids))],
  'users.findBySub': ['nothing', (store, own, { sub }) => store.users.findBySub(own, sub)],
  'users.findByIdentifier': ['nothing', (store, own, { username }) => store.users.findByIdentifier(own, username)],
  'users.page': ['own', (store, userPoolId) => store.users.page({ userPoolId, limit: 100, after: '' })],
  'users.update': [
    'nothing',
    (store, own, { sub }) => store.users.update(own, sub, { enabled: false, passwordHash: 'x' }, now),
  ],
  'users.replacePasswordHash': [
    'nothing',
    (store, own, { sub }) => store.users.replacePasswordHash(own, sub, 'hash', 'x'),
  ],
  'users.signOutAll': ['own', (store, own) => store.users.signOutAll(own, later(9))],
  'users.claimIdentifier': [
    'nothing',
    (store, own, { sub, username }) =>
      store.users.claimIdentifier(own, sub, { kind: 'email', key: `${username}@x.org` }),
  ],
  'users.releaseIdentifier': [
    'own',
    (store, own, { sub, username }) => store.users.releaseIdentifier(own, sub, { kind: 'username', key: username }),
  ],
  'users.delete': ['nothing', (store, own, { sub }) => store.users.delete(own, sub)],
  'users.deleteUnconfirmed': ['nothing', (store, own, { sub }) => store.users.deleteUnconfirmed(own, sub)],
  'groups.save': [
    'own',
    (store, userPoolId, { group }) => store.groups.save({ userPoolId, name: group, description: 'x' }, now),
  ],
  'groups.addIfAbsent': [
    'own',
    (store, userPoolId, { group }) => store.groups.addIfAbsent([{ userPoolId, name: group, description: 'x' }], now),
  ],
  'groups.list': ['own', (store, own) => store.groups.list(own)],
  'groups.addUser': ['refused', (store, own, { group, sub }) => store.groups.addUser(own, [group], sub, now)],
  'groups.ofUser': ['nothing', (store, own, { sub }) => store.groups.ofUser(own, sub)],
  'verificationCodes.replace': ['refused', (store, own, ids) => store.verificationCodes.replace(codeOf(own, ids))],
  'decoyCodes.replace': ['own', (store, own, ids) => store.decoyCodes.replace(codeOf(own, ids))],
  'decoyCodes.find': ['nothing', (store, own, { sub }) => store.decoyCodes.find(own, `${sub}-decoy`, 'reset')],
  'decoyCodes.findLink': ['nothing', (store, own, { sub }) => store.decoyCodes.findLink(own, `${sub}-decoy`)],
  'decoyCodes.delete': ['nothing', (store, own, { sub }) => store.decoyCodes.delete(own, sub, ['reset'])],
  'decoyCodes.attempt': [
    'nothing',
    async (store, userPoolId, { sub, code }) => {
      const request = { userPoolId, userSub: `${sub}-decoy`, purpose: 'reset', codeHash: code, at: now } as const
      const { kind } = await store.decoyCodes.attempt(request)
      return kind === 'expired' ? undefined : kind
    },
  ],
  'decoySignUps.replace': ['own', (store, own, ids) => store.decoySignUps.replace(decoyOf(own, ids))],
  'decoySignUps.find': ['nothing', (store, own, { username }) => store.decoySignUps.find(own, `${username}-decoy`)],
  'decoySignUps.findBySub': ['nothing', (store, own, { sub }) => store.decoySignUps.findBySub(own, `${sub}-decoy`)],
  'decoySignUps.setPassword': [
    'nothing',
    (store, own, { sub }) => store.decoySignUps.setPassword(own, `${sub}-decoy`, 'x'),
  ],
  'decoySignUps.delete': ['nothing', (store, own, { sub }) => store.decoySignUps.delete(own, `${sub}-decoy`)],
  'users.lockBySub': ['nothing', (store, own, { sub }) => store.users.lockBySub(own, sub)],
  'users.lockByIdentifier': ['nothing', (store, own, { username }) => store.users.lockByIdentifier(own, username)],
  'verificationCodes.find': ['nothing', (store, own, { sub }) => store.verificationCodes.find(own, sub, 'reset')],
  'verificationCodes.findLink': ['nothing', (store, own, { sub }) => store.verificationCodes.findLink(own, sub)],
  'verificationCodes.delete': ['nothing', (store, own, { sub }) => store.verificationCodes.delete(own, sub, ['reset'])],
  'verificationCodes.attempt': [
    'nothing',
    async (store, userPoolId, { sub, code }) => {
      const request = {
        userPoolId,
        userSub: sub,
        purpose: 'reset',
        codeHash: code,
        maximumAttempts: 5,
        at: now,
      } as const
      const { kind } = await store.verificationCodes.attempt(request)
      return kind === 'expired' ? undefined : kind
    },
  ],
  'attributeChanges.save': [
    'refused',
    (store, own, ids) => store.attributeChanges.save({ ...common(own, ids), attribute: 'email', value: 'x' }),
  ],
  'attributeChanges.ofUser': ['nothing', (store, own, { sub }) => store.attributeChanges.ofUser(own, sub, now)],
  'attributeChanges.delete': ['nothing', (store, own, { sub }) => store.attributeChanges.delete(own, sub)],
  'customSignIns.add': [
    'refused',
    (store, own, ids) => store.customSignIns.add({ ...customSignInOf(own, ids), idHash: 'new' }),
  ],
  'customSignIns.find': ['nothing', (store, own, { idHash }) => store.customSignIns.find(own, idHash, now)],
  'customSignIns.spend': ['nothing', (store, own, { idHash }) => store.customSignIns.spend(own, idHash, now)],
  'signInAttempts.add': [
    'refused',
    (store, own, ids) => store.signInAttempts.add({ ...attemptOf(own, ids), idHash: 'new' }),
  ],
  'signInAttempts.find': ['nothing', (store, own, { idHash }) => store.signInAttempts.find(own, idHash, now)],
  'signInAttempts.spend': ['nothing', (store, own, { idHash }) => store.signInAttempts.spend(own, idHash, now)],
  'signInAttempts.change': [
    'nothing',
    (store, own, { idHash }) =>
      store.signInAttempts.change({
        userPoolId: own,
        idHash,
        from: 'NEW_PASSWORD_REQUIRED',
        change: { challenge: 'MFA_SETUP' },
        at: now,
      }),
  ],
  'softwareTokens.add': ['refused', (store, own, ids) => store.softwareTokens.add(softwareTokenOf(own, ids), now)],
  'softwareTokens.ofUser': ['nothing', (store, own, { sub }) => store.softwareTokens.ofUser(own, sub)],
  'softwareTokens.useTimeStep': [
    'nothing',
    (store, own, ids) => store.softwareTokens.useTimeStep(softwareTokenOf(own, ids), 2, now),
  ],
  'softwareTokens.delete': [
    'nothing',
    (store, own, { sub, idHash }) => store.softwareTokens.delete(own, sub, [idHash]),
  ],
  'softwareTokens.deleteOfUser': ['nothing', (store, own, { sub }) => store.softwareTokens.deleteOfUser(own, sub)],
  'recoveryCodes.replace': ['refused', (store, own, { sub }) => store.recoveryCodes.replace(own, sub, ['new'], now)],
  'recoveryCodes.count': ['nothing', (store, own, { sub }) => store.recoveryCodes.count(own, sub)],
  'recoveryCodes.spend': ['nothing', (store, own, { sub, code }) => store.recoveryCodes.spend(own, sub, code)],
  'passkeys.add': ['refused', (store, own, ids) => store.passkeys.add(passkeyOf(own, ids), now)],
  'passkeys.find': ['nothing', (store, own, { idHash }) => store.passkeys.find(own, idHash)],
  'passkeys.ofUser': ['nothing', (store, own, { sub }) => store.passkeys.ofUser(own, sub)],
  'passkeys.use': ['nothing', (store, own, ids) => store.passkeys.use(passkeyOf(own, ids), 2, now)],
  'passkeys.rename': [
    'nothing',
    (store, own, ids) => store.passkeys.rename({ ...passkeyOf(own, ids), name: 'changed' }),
  ],
  'passkeys.delete': ['nothing', (store, own, ids) => store.passkeys.delete(passkeyOf(own, ids))],
  'passkeys.deleteOfUser': ['nothing', (store, own, { sub }) => store.passkeys.deleteOfUser(own, sub)],
  'identities.find': ['nothing', (store, own, { idHash }) => store.identities.find(own, identityOf(idHash))],
  'identities.claim': [
    'refused',
    (store, own, { sub, idHash }) => store.identities.claim(own, sub, identityOf(idHash)),
  ],
  'identities.release': [
    'nothing',
    (store, own, { sub, idHash }) => store.identities.release(own, sub, identityOf(idHash)),
  ],
  'devices.remember': [
    'refused',
    (store, own, ids) => store.devices.remember(deviceOf(own, ids), { replacing: [ids.idHash], maximum: 2 }),
  ],
  'devices.use': [
    'nothing',
    (store, own, { sub, idHash }) =>
      store.devices.use({ userPoolId: own, userSub: sub, secretHashes: [idHash], address: 'changed', at: now }),
  ],
  'devices.ofUser': ['nothing', (store, own, { sub }) => store.devices.ofUser(own, sub, now)],
  'devices.forget': ['nothing', (store, own, ids) => store.devices.forget(deviceOf(own, ids))],
  'devices.forgetOfUser': ['nothing', (store, own, { sub }) => store.devices.forgetOfUser(own, sub)],
  'devices.forgetAll': ['own', (store, own) => store.devices.forgetAll(own)],
  'knownBrowsers.any': ['nothing', (store, own, { sub }) => store.knownBrowsers.any(own, sub)],
  'oneTime.spend': ['own', (store, own, { idHash }) => store.oneTime.spend(own, idHash, now)],
  'flows.add': ['refused', (store, own, ids) => store.flows.add(flowOf(own, ids))],
  'flows.find': ['nothing', (store, own, { idHash }) => store.flows.find(own, idHash, now)],
  'flows.saveState': [
    'own',
    (store, own, { idHash }) => store.flows.saveState(own, idHash, { request: {}, chosen: 'signUp' }),
  ],
  'flows.finish': ['nothing', (store, own, { idHash }) => store.flows.finish(own, idHash, now)],
  'browserSessions.find': ['nothing', (store, own, { idHash }) => store.browserSessions.find(own, idHash, now)],
  'browserSessions.findByUid': ['nothing', (store, own, { uid }) => store.browserSessions.findByUid(own, uid, now)],
  'browserSessions.save': ['refused', (store, own, ids) => store.browserSessions.save(session(own, ids))],
  'browserSessions.update': ['nothing', (store, own, ids) => store.browserSessions.update(session(own, ids))],
  'browserSessions.delete': ['nothing', (store, own, { idHash }) => store.browserSessions.delete(own, idHash)],
  'browserSessions.deleteOfUser': ['nothing', (store, own, { sub }) => store.browserSessions.deleteOfUser(own, sub)],
  'browserSessions.ofUser': ['nothing', (store, own, { sub }) => store.browserSessions.ofUser(own, sub, now)],
  'browserSessions.endOfUser': [
    'nothing',
    (store, own, { sub, uid }) => store.browserSessions.endOfUser(own, sub, uid),
  ],
  'browserSessions.deleteAll': ['own', (store, own) => store.browserSessions.deleteAll(own)],
  'interactions.find': ['nothing', (store, own, { idHash }) => store.interactions.find(own, idHash, now)],
  'interactions.save': [
    'own',
    (store, userPoolId, { idHash }) =>
      store.interactions.save({ userPoolId, idHash, payload: {}, expiresAt: later(9) }),
  ],
  'interactions.delete': ['own', (store, own, { idHash }) => store.interactions.delete(own, idHash)],
  'grants.addCode': [
    'refused',
    (store, own, ids) => store.grants.addCode(authorizationCode(userAt(own, ids), { codeHash: 'new' })),
  ],
  'grants.findCode': ['nothing', (store, own, { code }) => store.grants.findCode(own, code)],
  'grants.redeemCode': [
    'nothing',
    (store, userPoolId, ids) => {
      const grant = grantOf(userAt(userPoolId, ids), { id: 'new', clientId: ids.clientId })
      const event = auditEvent(userPoolId)
      return store.grants.redeemCode({ userPoolId, codeHash: ids.code, grant, refreshTokenHash: 'new', event, at: now })
    },
  ],
  'grants.open': ['refused', (store, own, ids) => store.grants.open(grantOf(userAt(own, ids), { id: 'new' }), 'new')],
  'grants.findRefreshToken': ['nothing', (store, own, { token }) => store.grants.findRefreshToken(own, token)],
  'grants.rotate': [
    'nothing',
    (store, userPoolId, { token }) =>
      store.grants.rotate({ userPoolId, tokenHash: token, successorHash: 'new', at: now }),
  ],
  'grants.revoke': ['nothing', (store, own, { grant }) => store.grants.revoke(own, grant, now)],
  'grants.revokeOfUser': ['nothing', (store, own, { sub }) => store.grants.revokeOfUser(own, sub, now)],
  'grants.revokeOfSession': ['nothing', (store, own, { sub, uid }) => store.grants.revokeOfSession(own, sub, uid, now)],
  'grants.ofUser': ['nothing', (store, own, { sub }) => store.grants.ofUser(own, sub, now)],
  'grants.revokeAll': ['own', (store, own) => store.grants.revokeAll(own, now)],
  'grants.findSubject': ['nothing', (store, own, { sub, grant }) => store.grants.findSubject(own, sub, grant)],
  'consents.find': ['nothing', (store, own, { sub, clientId }) => store.consents.find(own, sub, clientId)],
  'consents.ofUser': ['nothing', (store, own, { sub }) => store.consents.ofUser(own, sub)],
  'consents.add': ['own', (store, own, ids) => store.consents.add({ ...common(own, ids), scopes: ['x'] }, now)],
  'consents.withdraw': ['nothing', (store, own, { sub, clientId }) => store.consents.withdraw(own, sub, clientId, now)],
  'triggerInvocations.add': [
    'own',
    (store, userPoolId, { idHash }) => store.triggerInvocations.add(invocationOf(userPoolId, idHash)),
  ],
  'triggerInvocations.page': [
    'nothing',
    (store, userPoolId) => store.triggerInvocations.page({ userPoolId, limit: 10, trigger: 'PreSignUp' }),
  ],
  'eventDeliveries.ensure': [
    'own',
    (store, userPoolId, { idHash: name }) => store.eventDeliveries.ensure([{ userPoolId, name }], now),
  ],
  'eventDeliveries.lease': [
    'own',
    (store, userPoolId, { idHash: name }) =>
      store.eventDeliveries.lease({ userPoolId, name }, { id: 'own', until: later(60), at: now }),
  ],
  'eventDeliveries.save': [
    'nothing',
    (store, userPoolId, { idHash: name }) =>
      store.eventDeliveries.save(
        { userPoolId, name, sequence: 7, attempts: 7, skipped: 7, nextAt: now },
        { id: 'theirs', release: true },
      ),
  ],
  'eventDeliveries.ofPool': ['own', (store, own) => store.eventDeliveries.ofPool(own)],
  'eventDeliveries.rewind': [
    'own',
    (store, userPoolId, { idHash: name }) => store.eventDeliveries.rewind({ userPoolId, name, sequence: 7 }, now),
  ],
  'userImports.find': ['nothing', (store, own, { idHash }) => store.userImports.find(own, idHash)],
  'userImports.start': ['own', (store, own, { idHash }) => store.userImports.start(own, idHash, now)],
  'userImports.advance': [
    'own',
    (store, own, { idHash }) => store.userImports.advance({ ...importOf(own, idHash), from: 0, rowsDone: 7 }),
  ],
  'userImports.finish': ['own', (store, own, { idHash }) => store.userImports.finish(own, idHash, now)],
  'userImports.holders': [
    'nothing',
    (store, own, { username, sub }) => store.userImports.holders(own, [username], [sub]),
  ],
  'userImports.deleteUnconfirmed': [
    'nothing',
    (store, own, { sub }) => store.userImports.deleteUnconfirmed(own, [sub]),
  ],
  'userImports.add': [
    'refused',
    (store, own, ids) =>
      store.userImports.add(own, [{ ...emptyHanded(newUser(own, 'imported')), groups: [ids.group] }], now),
  ],
  'userImports.belongings': [
    'nothing',
    async (store, own, { sub }) => Object.values(await store.userImports.belongings(own, [sub])).flat(),
  ],
  'outbox.add': [
    'own',
    (store, userPoolId) => store.outbox.add({ id: 'new', userPoolId, sealedMessage: 'x', at: now }),
  ],
}

async function fill(store: Store, ids: Ids): Promise<void> {
  const { userPoolId, sub, group, server, token, code, grant } = ids
  await store.settings.saveUserPool(poolOf(userPoolId, [ids.domain]), now)
  const appClient = await addAppClient(store, userPoolId, ids.clientId)
  const secret = { id: ids.idHash, sealedSecret: 'sealed', added: false, createdAt: now }
  await store.settings.saveAppClient({ ...appClient, secrets: [secret] }, now)
  await store.settings.saveResourceServer({ userPoolId, identifier: server, name: 'API', scopes: [] }, now)
  await store.settings.addSigningKey(keyOf(userPoolId, ids.kid))
  const user = await addUser(store, userPoolId, userAt(userPoolId, ids))
  await store.groups.save({ userPoolId, name: group }, now)
  await store.groups.addUser(userPoolId, [group], sub, now)
  await store.verificationCodes.replace(codeOf(userPoolId, ids))
  await store.verificationCodes.replace({ ...codeOf(userPoolId, ids), purpose: 'sign_up' })
  await store.attributeChanges.save({ ...common(userPoolId, ids), attribute: 'email', value: 'x' })
  await store.signInAttempts.add(attemptOf(userPoolId, ids))
  await store.customSignIns.add(customSignInOf(userPoolId, ids))
  await store.decoySignUps.replace(decoyOf(userPoolId, ids))
  await store.decoyCodes.replace({ ...codeOf(userPoolId, ids), userSub: `${ids.sub}-decoy` })
  await store.softwareTokens.add(softwareTokenOf(userPoolId, ids), now)
  await store.recoveryCodes.replace(userPoolId, sub, [code], now)
  await store.passkeys.add(passkeyOf(userPoolId, ids), now)
  await store.identities.claim(userPoolId, sub, identityOf(ids.idHash))
  await store.devices.remember(deviceOf(userPoolId, ids), { replacing: [], maximum: 2 })
  await store.oneTime.spend(userPoolId, ids.idHash, now)
  await store.triggerInvocations.add(invocationOf(userPoolId, ids.idHash))
  await store.userImports.start(userPoolId, ids.idHash, now)
  await store.eventDeliveries.ensure([{ userPoolId, name: ids.idHash }], now)
  const lease = { id: 'theirs', until: later(60), at: now }
  await store.eventDeliveries.lease({ userPoolId, name: ids.idHash }, lease)
  await store.flows.add(flowOf(userPoolId, ids))
  await store.interactions.save({ ...common(userPoolId, ids), payload: {} })
  await store.browserSessions.save(session(userPoolId, ids))
  await store.grants.addCode(authorizationCode(user, { codeHash: code, clientId: ids.clientId }))
  await store.grants.open(grantOf(user, { id: grant, clientId: ids.clientId }), token)
  await store.consents.add({ ...common(userPoolId, ids), scopes: ['openid'] }, now)
}

onEachDatabase((context) => {
  let own: string
  let theirs: Ids
  beforeAll(async () => {
    own = await addUserPool(context.store)
    theirs = idsOf(await addUserPool(context.store), 'theirs')
    await fill(context.store, theirs)
  })

  /** Every row of a pool, in whatever table. */
  async function rowsOf(userPoolId: string): Promise<string> {
    const { kysely } = context.database
    const tables = await kysely.introspection.getTables()
    const rows = await Promise.all(
      tables
        .filter(({ columns }) => columns.some(({ name }) => name === 'user_pool_id'))
        .map(async ({ name }) => {
          const found = await kysely
            .selectFrom(name as 'users')
            .selectAll()
            .where('user_pool_id', '=', userPoolId)
            .execute()
          return [name, found.map((row) => JSON.stringify(row)).toSorted()]
        }),
    )
    const pool = await kysely.selectFrom('user_pools').selectAll().where('id', '=', userPoolId).execute()
    return JSON.stringify([pool, ...rows.toSorted((a, b) => String(a).localeCompare(String(b)))])
  }

  test('the table has every method of every repository', () => {
    const methods = Object.entries(context.store as Repositories).flatMap(([name, repository]: [string, object]) =>
      typeof repository === 'function' ? [] : Object.keys(repository).map((method) => `${name}.${method}`),
    )
    expect([...Object.keys(table), ...ofEveryPool, ...shownElsewhere].toSorted()).toEqual(methods.toSorted())
  })

  test('the other pool has a row in every table that a pool may have rows in', async () => {
    const [, ...tables] = JSON.parse(await rowsOf(theirs.userPoolId)) as [unknown, ...[string, string[]][]]
    const empty = tables.filter(([, rows]) => rows.length === 0).map(([name]) => name)
    expect(empty.filter((name) => !tablesElsewhere.has(name))).toEqual(['outbox'])
  })

  describe.each(Object.entries(table))('%s', (name, [expected, call]) => {
    test(`with another pool’s ids: ${expected}`, async () => {
      if (name === 'settings.deleteUserPool') await addUserPool(context.store, { id: `${own}2` })
      const pool = name === 'settings.deleteUserPool' ? `${own}2` : own
      const before = await rowsOf(theirs.userPoolId)
      const outcome = await call(context.store, pool, theirs).then(
        (value) => ({ value }),
        (error: unknown) => ({ error }),
      )
      expect(await rowsOf(theirs.userPoolId)).toBe(before)
      if (expected === 'refused') return expect(outcome).toHaveProperty('error')
      expect(outcome).not.toHaveProperty('error')
      const value = 'value' in outcome ? outcome.value : undefined
      const isNothing =
        value === undefined || value === false || value === 0 || (Array.isArray(value) && value.length === 0)
      if (expected === 'nothing') expect(value).toSatisfy(() => isNothing)
      expect(JSON.stringify(value ?? null)).not.toContain(theirs.userPoolId)
      expect(JSON.stringify(value ?? null)).not.toMatch(/"sealed"|sub-theirs/)
      // What it has made is gone before the next one.
      if (expected === 'own') await context.database.kysely.deleteFrom('user_pools').where('id', '=', pool).execute()
      if (expected === 'own') await addUserPool(context.store, { id: own }).catch(() => undefined)
    })
  })
})
