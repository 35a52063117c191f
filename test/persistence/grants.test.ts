import { describe, expect, test } from 'vitest'
import { onEachDatabase } from './databases.ts'
import {
  addAppClient,
  addUser,
  addUserPool,
  auditEvent,
  authorizationCode,
  grantOf,
  inParallel,
  later,
  now,
  stored,
} from './records.ts'

onEachDatabase((context) => {
  const grants = () => context.store.grants

  /** How often an event was written. */
  const waiting = async (digest: string) =>
    (await context.store.auditTrail.waiting(1000)).filter((event) => event.digest === digest).length

  async function signedIn() {
    const { store } = context
    const userPoolId = await addUserPool(store)
    await addAppClient(store, userPoolId)
    const user = await addUser(store, userPoolId, { passwordHash: 'hash', temporaryPasswordExpiresAt: later(5) })
    await store.groups.save({ userPoolId, name: 'admins', precedence: 1 }, now)
    await store.groups.save({ userPoolId, name: 'all', description: 'everybody' }, now)
    await store.groups.addUser(userPoolId, ['all', 'admins'], user.sub, now)
    const groups = await store.groups.ofUser(userPoolId, user.sub)
    return { userPoolId, user, subject: { user: stored(user), groups } }
  }

  describe('an authorization code', () => {
    test('is read with its user and groups', async () => {
      const { userPoolId, user, subject } = await signedIn()
      const plain = authorizationCode(user)
      const full = authorizationCode(user, {
        nonce: 'n',
        codeChallenge: 'c',
        resource: 'https://api.example.com',
        acr: 'urn:mfa',
        amr: ['pwd', 'otp'],
        sessionUid: 'session',
      })
      await grants().addCode(plain)
      await grants().addCode(full)
      expect(await grants().findCode(userPoolId, plain.codeHash)).toEqual({ code: plain, subject })
      expect(await grants().findCode(userPoolId, full.codeHash)).toEqual({ code: full, subject })
      expect(await grants().findCode(userPoolId, 'unknown')).toBeUndefined()
    })

    test('opens a grant with its first refresh token, and remembers it', async () => {
      const { userPoolId, user, subject } = await signedIn()
      const code = authorizationCode(user)
      const grant = grantOf(user, { acr: 'urn:mfa', sessionUid: 'session', resource: 'https://api.example.com' })
      await grants().addCode(code)
      const event = auditEvent(userPoolId)
      const request = { userPoolId, codeHash: code.codeHash, grant, refreshTokenHash: 'first', event, at: later(2) }
      expect(await grants().redeemCode(request)).toBe(true)
      expect(await waiting(event.digest)).toBe(1)
      expect(await grants().findRefreshToken(userPoolId, 'first')).toEqual({ grant, subject })
      const spent = { code, subject, consumedAt: later(2), grantId: grant.id }
      expect(await grants().findCode(userPoolId, code.codeHash)).toEqual(spent)
    })

    test('that 50 requests redeem at once opens one grant', async () => {
      const { userPoolId, user } = await signedIn()
      const code = authorizationCode(user)
      await grants().addCode(code)
      const answers = await inParallel(50, (n) =>
        grants().redeemCode({
          userPoolId,
          codeHash: code.codeHash,
          grant: grantOf(user, { id: `grant-${n}` }),
          refreshTokenHash: `token-${n}`,
          event: auditEvent(userPoolId, { digest: code.codeHash }),
          at: now,
        }),
      )
      expect(answers.filter((won) => won)).toHaveLength(1)
      expect(await waiting(code.codeHash)).toBe(1)
      const winner = answers.indexOf(true)
      const found = await inParallel(50, (n) => grants().findRefreshToken(userPoolId, `token-${n}`))
      expect(found.map((token) => token !== undefined).indexOf(true)).toBe(winner)
      expect(found.filter((token) => token !== undefined)).toHaveLength(1)
      expect((await grants().findCode(userPoolId, code.codeHash))?.grantId).toBe(`grant-${winner}`)
    })

    test.each([
      ['expired', { expiresAt: later(-1) }, {}],
      ['given to another client', {}, { clientId: 'other' }],
      ['given to another user', {}, { userSub: 'other' }],
    ])('that is %s opens nothing and stays unspent', async (_, codeChange, grantChange) => {
      const { userPoolId, user } = await signedIn()
      const code = authorizationCode(user, codeChange)
      await grants().addCode(code)
      const event = auditEvent(userPoolId)
      const request = { userPoolId, codeHash: code.codeHash, refreshTokenHash: 'none', event, at: now }
      expect(await grants().redeemCode({ ...request, grant: grantOf(user, grantChange) })).toBe(false)
      expect(await grants().findCode(userPoolId, code.codeHash)).not.toHaveProperty('consumedAt')
      expect(await waiting(event.digest)).toBe(0)
    })
  })

  describe('a refresh token', () => {
    test('is replaced by its successor', async () => {
      const { userPoolId, user, subject } = await signedIn()
      const grant = grantOf(user)
      await grants().open(grant, 'first')
      const rotation = { userPoolId, tokenHash: 'first', successorHash: 'second', at: later(60) }
      expect(await grants().rotate(rotation)).toBe(true)
      expect(await grants().rotate({ ...rotation, successorHash: 'fork', at: later(61) })).toBe(false)
      expect(await grants().findRefreshToken(userPoolId, 'first')).toEqual({ grant, subject, consumedAt: later(60) })
      expect(await grants().findRefreshToken(userPoolId, 'second')).toEqual({ grant, subject })
      expect(await grants().findRefreshToken(userPoolId, 'fork')).toBeUndefined()
    })

    test('that 50 requests use at once has one successor', async () => {
      const { userPoolId, user } = await signedIn()
      await grants().open(grantOf(user), 'first')
      const answers = await inParallel(50, (n) =>
        grants().rotate({ userPoolId, tokenHash: 'first', successorHash: `next-${n}`, at: now }),
      )
      expect(answers.filter((won) => won)).toHaveLength(1)
      const found = await inParallel(50, (n) => grants().findRefreshToken(userPoolId, `next-${n}`))
      expect(found.filter((token) => token !== undefined)).toHaveLength(1)
      expect(found[answers.indexOf(true)]).toBeDefined()
    })

    test('of a grant that is revoked or has expired is not replaced', async () => {
      const { userPoolId, user } = await signedIn()
      const grant = grantOf(user, { expiresAt: later(100) })
      await grants().open(grant, 'first')
      const rotation = { userPoolId, tokenHash: 'first', successorHash: 'second' }
      expect(await grants().rotate({ ...rotation, at: later(100) })).toBe(false)
      expect(await grants().revoke(userPoolId, grant.id, later(5))).toBe(true)
      expect(await grants().revoke(userPoolId, grant.id, later(6))).toBe(false)
      expect(await grants().rotate({ ...rotation, at: later(7) })).toBe(false)
      expect((await grants().findRefreshToken(userPoolId, 'first'))?.grant.revokedAt).toEqual(later(5))
    })
  })

  test('all grants of a user are revoked together, and userInfo hears of it', async () => {
    const { userPoolId, user } = await signedIn()
    const [first, second] = [grantOf(user), grantOf(user)]
    await grants().open(first, 'a')
    await grants().open(second, 'b')
    const other = await addUser(context.store, userPoolId)
    const foreign = grantOf(other)
    await grants().open(foreign, 'c')
    expect(await grants().findSubject(userPoolId, user.sub, first.id)).toEqual({
      user: stored(user),
      grantRevoked: false,
    })
    expect(await grants().findSubject(userPoolId, user.sub, undefined)).toEqual({
      user: stored(user),
      grantRevoked: false,
    })
    expect(await grants().revokeOfUser(userPoolId, user.sub, later(1))).toBe(2)
    expect(await grants().revokeOfUser(userPoolId, user.sub, later(2))).toBe(0)
    expect(await grants().findSubject(userPoolId, user.sub, second.id)).toMatchObject({ grantRevoked: true })
    expect(await grants().findSubject(userPoolId, user.sub, 'unknown')).toMatchObject({ grantRevoked: true })
    // Somebody else's grant is no grant of this user.
    expect(await grants().findSubject(userPoolId, user.sub, foreign.id)).toMatchObject({ grantRevoked: true })
    expect(await grants().findSubject(userPoolId, other.sub, foreign.id)).toMatchObject({ grantRevoked: false })
    expect(await grants().findSubject(userPoolId, 'nobody', first.id)).toBeUndefined()
  })
})
