import { beforeAll, expect, test } from 'vitest'
import type { BrowserSession } from '../../src/domain/sessions/browser-session.ts'
import { onEachDatabase } from './databases.ts'
import {
  addAppClient,
  addUser,
  addUserPool,
  auditEvent,
  authorizationCode,
  grantOf,
  later,
  now,
  stored,
} from './records.ts'

/*
 * Two user pools that hold the same ids, names and hashes throughout (threat row F7). Whatever is done in one of them
 * must leave the other as it was.
 */
onEachDatabase((context) => {
  let left: string
  let right: string

  async function fill(userPoolId: string): Promise<void> {
    const { store } = context
    const appClient = await addAppClient(store, userPoolId)
    const secret = { id: 'same', sealedSecret: userPoolId, added: false, createdAt: now }
    await store.settings.saveAppClient({ ...appClient, secrets: [secret] }, now)
    const identifiers = [
      { kind: 'username', key: 'ada' },
      { kind: 'email', key: 'old@example.com' },
    ] as const
    const user = await addUser(store, userPoolId, { sub: 'same', username: 'ada', identifiers })
    await store.groups.save({ userPoolId, name: 'admins', description: userPoolId }, now)
    await store.groups.addUser(userPoolId, ['admins'], 'same', now)
    const common = { userPoolId, clientId: 'web', userSub: 'same', idHash: 'same', expiresAt: later(60) }
    await store.verificationCodes.replace({
      ...common, purpose: 'reset', attribute: 'email', destination: userPoolId, codeHash: 'same', sentAt: now,
    }) // prettier-ignore
    await store.attributeChanges.save({ ...common, attribute: 'email', value: userPoolId })
    await store.signInAttempts.add({ ...common, challenge: 'NEW_PASSWORD_REQUIRED', amr: [], startedAt: now })
    const state = { request: {}, chosen: 'login' } as const
    await store.flows.add({ ...common, sealedInteractionUid: 's', browserHash: 'b', state })
    await store.interactions.save({ ...common, payload: { of: userPoolId } })
    await store.browserSessions.save(session(userPoolId))
    await store.grants.addCode(authorizationCode(user, { codeHash: 'same' }))
    await store.grants.open(grantOf(user, { id: 'same' }), 'same')
    await store.consents.add({ ...common, scopes: [userPoolId] }, now)
    await store.settings.saveResourceServer({ userPoolId, identifier: 'api', name: userPoolId, scopes: [] }, now)
  }

  const session = (userPoolId: string): BrowserSession => ({
    idHash: 'same',
    uid: 'same',
    userPoolId,
    userSub: 'same',
    authTime: now,
    amr: [],
    authorizations: { of: userPoolId },
    transient: false,
    remembered: false,
    expiresAt: later(60),
  })

  /** Everything that can be read of a pool. */
  async function everything(id: string) {
    const { store } = context
    return {
      clients: await store.settings.appClients(id),
      client: await store.settings.lockAppClient(id, 'web'),
      servers: await store.settings.resourceServers(id),
      bySub: await store.users.findBySub(id, 'same'),
      byName: await store.users.findByIdentifier(id, 'ada'),
      changes: await store.attributeChanges.ofUser(id, 'same', now),
      byAddress: await store.users.findByIdentifier(id, 'old@example.com'),
      page: await store.users.page({ userPoolId: id, limit: 10 }),
      groups: await store.groups.ofUser(id, 'same'),
      code: await store.verificationCodes.find(id, 'same', 'reset'),
      attempt: await store.signInAttempts.find(id, 'same', now),
      flow: await store.flows.find(id, 'same', now),
      interaction: await store.interactions.find(id, 'same', now),
      session: await store.browserSessions.find(id, 'same', now),
      sessionByUid: await store.browserSessions.findByUid(id, 'same', now),
      authorizationCode: await store.grants.findCode(id, 'same'),
      refreshToken: await store.grants.findRefreshToken(id, 'same'),
      subject: await store.grants.findSubject(id, 'same', 'same'),
      consent: await store.consents.find(id, 'same', 'web'),
      consents: await store.consents.ofUser(id, 'same'),
    }
  }

  beforeAll(async () => {
    left = await addUserPool(context.store)
    right = await addUserPool(context.store)
    await fill(left)
    await fill(right)
  })

  test('each pool reads its own', async () => {
    for (const id of [left, right]) {
      const text = JSON.stringify(await everything(id))
      expect(text).toContain(id)
      expect(text).not.toContain(id === left ? right : left)
    }
  })

  test('nothing done in one pool is seen in the other', async () => {
    const { store } = context
    const before = await everything(right)
    const user = (await store.users.findBySub(left, 'same'))!
    const grant = grantOf({ ...user, identifiers: [] }, { id: 'redeemed' })
    const codeTry = { userPoolId: left, userSub: 'same', purpose: 'reset' as const, at: now }

    await store.verificationCodes.attempt({ ...codeTry, codeHash: 'wrong' })
    await store.verificationCodes.attempt({ ...codeTry, codeHash: 'same' })
    await store.flows.saveState(left, 'same', { request: {}, chosen: 'signUp', username: 'changed' })
    await store.interactions.save({ userPoolId: left, idHash: 'same', payload: {}, expiresAt: later(99) })
    const event = auditEvent(left)
    await store.grants.redeemCode({ userPoolId: left, codeHash: 'same', grant, refreshTokenHash: 'r', event, at: now })
    await store.grants.rotate({ userPoolId: left, tokenHash: 'same', successorHash: 'next', at: now })
    await store.consents.add({ userPoolId: left, userSub: 'same', clientId: 'web', scopes: ['more'] }, now)
    await store.consents.withdraw(left, 'same', 'web', now)
    await store.grants.revoke(left, 'same', now)
    await store.grants.revokeOfUser(left, 'same', now)
    await store.grants.revokeAll(left, now)
    await store.users.signOutAll(left, later(5))
    await store.users.claimIdentifier(left, 'same', { kind: 'email', key: 'ada@example.com' })
    await store.users.update(left, 'same', { enabled: false, signedOutAt: later(5), attributes: { name: 'x' } }, now)
    await store.groups.save({ userPoolId: left, name: 'admins', description: 'changed' }, now)
    await store.signInAttempts.spend(left, 'same', now)
    await store.flows.finish(left, 'same', now)
    await store.interactions.delete(left, 'same')
    await store.browserSessions.deleteOfUser(left, 'same')
    await store.browserSessions.save(session(left))
    await store.browserSessions.delete(left, 'same')
    await store.browserSessions.save(session(left))
    expect(await store.browserSessions.deleteAll(left)).toBe(1)
    await store.users.deleteUnconfirmed(left, 'same')
    await store.settings.saveAppClient({ userPoolId: left, id: 'web', name: 'changed', settings: {} }, now)
    await store.settings.deleteAppClient(left, 'web')
    await store.settings.deleteResourceServer(left, 'api')
    await store.users.delete(left, 'same')
    await store.settings.deleteUserPool(left)

    expect(await everything(right)).toEqual(before)
    expect(before.bySub).toEqual(stored({ ...before.bySub!, identifiers: [] }))
    expect(await store.users.findBySub(left, 'same')).toBeUndefined()
  })
})
