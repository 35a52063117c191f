import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { BrowserSession } from '../../src/domain/sessions/browser-session.ts'
import type { Flow } from '../../src/domain/sessions/flow.ts'
import type { SignInAttempt } from '../../src/domain/sign-in/sign-in-attempt.ts'
import { onEachDatabase } from './databases.ts'
import { addAppClient, addUser, addUserPool, inParallel, later, now } from './records.ts'

onEachDatabase((context) => {
  const sessions = () => context.store.browserSessions

  async function signedIn(change: Partial<BrowserSession> = {}) {
    const userPoolId = await addUserPool(context.store)
    const user = await addUser(context.store, userPoolId)
    const session: BrowserSession = {
      idHash: randomUUID(),
      uid: randomUUID(),
      userPoolId,
      userSub: user.sub,
      authTime: now,
      amr: ['pwd'],
      acr: 'urn:one',
      authorizations: { web: { sid: 's', grantId: 'g' } },
      transient: false,
      remembered: false,
      expiresAt: later(3600),
      ...change,
    }
    await sessions().save(session)
    const find = (at = now) => sessions().find(userPoolId, session.idHash, at)
    return { userPoolId, user, session, find }
  }

  describe('a browser session', () => {
    test('is found by cookie and by uid until it expires', async () => {
      const { session, find, userPoolId } = await signedIn()
      expect(await find()).toEqual(session)
      expect(await sessions().findByUid(userPoolId, session.uid, now)).toEqual(session)
      expect(await find(later(3600))).toBeUndefined()
      expect(await sessions().findByUid(userPoolId, session.uid, later(3600))).toBeUndefined()
    })

    test('may have nobody signed in', async () => {
      const userPoolId = await addUserPool(context.store)
      const session: BrowserSession = {
        idHash: 'anonymous',
        uid: 'anonymous uid',
        userPoolId,
        amr: [],
        authorizations: {},
        transient: true,
        remembered: false,
        expiresAt: later(60),
      }
      await sessions().save(session)
      expect(await sessions().find(userPoolId, 'anonymous', now)).toEqual(session)
    })

    test('keeps its uid when the cookie changes, and the old cookie finds nothing', async () => {
      const { session, find, userPoolId } = await signedIn()
      const renewed = { ...session, idHash: randomUUID(), amr: ['pwd', 'otp'] }
      await sessions().save(renewed)
      expect(await find()).toBeUndefined()
      expect(await sessions().find(userPoolId, renewed.idHash, now)).toEqual(renewed)
      expect(await sessions().delete(userPoolId, session.idHash)).toBe(false)
      expect(await sessions().delete(userPoolId, renewed.idHash)).toBe(true)
    })

    test('is dead while its user is disabled', async () => {
      const { user, find, userPoolId } = await signedIn()
      await context.store.users.update(userPoolId, user.sub, { enabled: false }, now)
      expect(await find()).toBeUndefined()
      await context.store.users.update(userPoolId, user.sub, { enabled: true }, now)
      expect(await find()).toBeDefined()
    })

    test('that began before its user was signed out everywhere is dead; one that began then is not', async () => {
      const { user, find, session, userPoolId } = await signedIn({ authTime: new Date('2026-03-01T12:00:00Z') })
      const signOut = (at: Date) => context.store.users.update(userPoolId, user.sub, { signedOutAt: at }, at)
      await signOut(new Date('2026-03-01T12:00:00.900Z')) // authentication times are whole seconds
      expect(await find()).toEqual(session)
      await signOut(new Date('2026-03-01T12:00:01Z'))
      expect(await find()).toBeUndefined()
      expect(await sessions().findByUid(userPoolId, session.uid, now)).toBeUndefined()
    })

    test('is dead after a sign-out everywhere when it does not say when it began', async () => {
      const { user, find, session, userPoolId } = await signedIn()
      const { authTime: _, ...timeless } = session
      await sessions().save(timeless)
      await context.store.users.update(userPoolId, user.sub, { signedOutAt: now }, now)
      expect(await find()).toBeUndefined()
    })

    test('ends by cookie, with all of its user, and with its user, and no late write brings it back', async () => {
      const { user, session, userPoolId, find } = await signedIn()
      const more = await inParallel(3, async () => {
        const another = { ...session, idHash: randomUUID(), uid: randomUUID() }
        await sessions().save(another)
        return another
      })
      expect(await sessions().delete(userPoolId, more[0]!.idHash)).toBe(true)
      expect(await sessions().update(more[0]!)).toBe(false)
      expect(await sessions().update({ ...more[1]!, amr: ['pwd', 'otp'] })).toBe(true)
      expect(await sessions().deleteOfUser(userPoolId, user.sub)).toBe(3)
      expect(await find()).toBeUndefined()
      await sessions().save(session)
      await context.store.users.delete(userPoolId, user.sub)
      expect(await find()).toBeUndefined()
    })
  })

  test('an interaction is kept, replaced and removed', async () => {
    const { interactions } = context.store
    const userPoolId = await addUserPool(context.store)
    const interaction = { idHash: 'i', userPoolId, payload: { prompt: { name: 'login' } }, expiresAt: later(60) }
    await interactions.save(interaction)
    await interactions.save({ ...interaction, payload: { result: ["it's", null] }, expiresAt: later(90) })
    const replaced = { ...interaction, payload: { result: ["it's", null] }, expiresAt: later(90) }
    expect(await interactions.find(userPoolId, 'i', later(89))).toEqual(replaced)
    expect(await interactions.find(userPoolId, 'i', later(90))).toBeUndefined()
    await interactions.delete(userPoolId, 'i')
    expect(await interactions.find(userPoolId, 'i', now)).toBeUndefined()
  })

  test('a flow keeps its state until it expires, and for a day after that', async () => {
    const { flows } = context.store
    const userPoolId = await addUserPool(context.store)
    await addAppClient(context.store, userPoolId)
    const flow: Flow = {
      idHash: 'f',
      userPoolId,
      clientId: 'web',
      sealedInteractionUid: 'sealed',
      browserHash: 'browser',
      state: { request: { scope: 'openid' }, chosen: 'login' },
      expiresAt: later(60),
    }
    await flows.add(flow)
    expect(await flows.find(userPoolId, 'f', now)).toEqual(flow)
    const state = { ...flow.state, username: 'ada', authenticated: { userSub: 's', authTime: 1, amr: ['pwd'] } }
    await flows.saveState(userPoolId, 'f', state)
    expect(await flows.find(userPoolId, 'f', now)).toEqual({ ...flow, state })
    expect(await flows.find(userPoolId, 'f', later(86_400 + 59))).toEqual({ ...flow, state })
    expect(await flows.find(userPoolId, 'f', later(86_400 + 60))).toBeUndefined()
  })

  test('a flow ends once; nothing of its state is left', async () => {
    const { flows } = context.store
    const userPoolId = await addUserPool(context.store)
    await addAppClient(context.store, userPoolId)
    const state = { request: { scope: 'openid' }, chosen: 'login', username: 'ada' } as const
    const flow = { userPoolId, clientId: 'web', idHash: 'f', sealedInteractionUid: 'sealed', browserHash: 'browser' }
    await flows.add({ ...flow, state, expiresAt: later(60) })
    const ends = await inParallel(20, () => flows.finish(userPoolId, 'f', later(1)))
    expect(ends.filter(Boolean)).toHaveLength(1)
    await flows.saveState(userPoolId, 'f', state)
    const emptied = { ...flow, state: {}, expiresAt: later(60), finishedAt: later(1) }
    expect(await flows.find(userPoolId, 'f', later(2))).toEqual(emptied)
  })

  test('a name that was typed with characters no database takes is kept without them', async () => {
    const { flows } = context.store
    const userPoolId = await addUserPool(context.store)
    await addAppClient(context.store, userPoolId)
    const state = { request: { 'a\0': 'ä\ud800' }, chosen: 'login', username: 'a\0b\\u0000🔑' } as const
    const flow = { userPoolId, clientId: 'web', idHash: 'f', sealedInteractionUid: 's', browserHash: 'b' }
    await flows.add({ ...flow, state, expiresAt: later(60) })
    const kept = { request: { 'a\uFFFD': 'ä\uFFFD' }, chosen: 'login', username: 'a\uFFFDb\\u0000🔑' }
    expect((await flows.find(userPoolId, 'f', now))?.state).toEqual(kept)
  })

  test('a sign-in attempt is spent once, and not after it has expired', async () => {
    const { signInAttempts } = context.store
    const { user, userPoolId } = await signedIn()
    const attempt: SignInAttempt = {
      idHash: 'a',
      userPoolId,
      clientId: 'web',
      userSub: user.sub,
      challenge: 'NEW_PASSWORD_REQUIRED',
      amr: ['pwd'],
      startedAt: now,
      expiresAt: later(180),
    }
    await signInAttempts.add(attempt)
    expect(await signInAttempts.find(userPoolId, 'a', now)).toEqual(attempt)
    expect(await signInAttempts.find(userPoolId, 'a', later(180))).toBeUndefined()
    expect(await signInAttempts.spend(userPoolId, 'a', later(180))).toBe(false)
    const spent = await inParallel(20, () => signInAttempts.spend(userPoolId, 'a', now))
    expect(spent.filter((won) => won)).toHaveLength(1)
  })
})
