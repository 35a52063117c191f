import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { onEachDatabase } from './databases.ts'
import { addAppClient, addUser, addUserPool, authorizationCode, grantOf, later, now } from './records.ts'

const day = 86_400

onEachDatabase((context) => {
  const onEmbedded = context.kind === 'embedded' ? test : () => {}

  test('what has expired goes, at most so many rows a table at a time, and nothing else does', async () => {
    const { store } = context
    const userPoolId = await addUserPool(store)
    await addAppClient(store, userPoolId)
    const user = await addUser(store, userPoolId)
    const common = { userPoolId, clientId: 'web', userSub: user.sub }
    for (const [idHash, expiresAt] of [
      ['old', later(-1)],
      ['older', later(-2)],
      ['live', later(1)],
    ] as const) {
      await store.signInAttempts.add({
        ...common, idHash, challenge: 'NEW_PASSWORD_REQUIRED', amr: [], startedAt: now, expiresAt,
      }) // prettier-ignore
      const state = { request: {}, chosen: 'login' } as const
      await store.flows.add({ ...common, idHash, sealedInteractionUid: 's', browserHash: 'b', state, expiresAt })
      await store.interactions.save({ userPoolId, idHash, payload: {}, expiresAt })
      const session = {
        idHash,
        uid: idHash,
        userPoolId,
        amr: [],
        authorizations: {},
        transient: false,
        remembered: false,
        expiresAt,
      }
      await store.browserSessions.save(session)
      await store.grants.addCode(authorizationCode(user, { codeHash: idHash, expiresAt }))
      await store.grants.open(grantOf(user, { id: idHash, expiresAt }), idHash)
    }
    const address = { attribute: 'email', destination: 'a@example.com', codeHash: 'h', sentAt: now } as const
    const code = { userPoolId, userSub: user.sub, ...address }
    await store.verificationCodes.replace({ ...code, purpose: 'reset', expiresAt: later(-1) })
    await store.verificationCodes.replace({ ...code, purpose: 'sign_up', expiresAt: later(1) })
    await store.outbox.add({ id: 'sent', userPoolId, sealedMessage: 's', at: now })
    await store.outbox.add({ id: 'dead', userPoolId, sealedMessage: 's', at: now })
    await store.outbox.markSent('sent', now)
    await store.outbox.markFailed('dead', { error: 'e', retryAt: undefined, at: now })
    await store.userImports.start(userPoolId, 'file', now)

    // One of two in three tables, and the code.
    expect(await store.housekeeping.deleteExpired(now, 1)).toBe(4)
    expect(await store.housekeeping.deleteExpired(now, 1)).toBe(3)
    expect(await store.housekeeping.deleteExpired(now, 1)).toBe(0)
    expect(await store.browserSessions.find(userPoolId, 'live', now)).toBeDefined()
    // A spent code and a grant are remembered for longer than anything that may ask for them.
    expect(await store.grants.findCode(userPoolId, 'old')).toBeDefined()
    expect(await store.grants.findRefreshToken(userPoolId, 'old')).toBeDefined()

    expect(await store.housekeeping.deleteExpired(later(3000), 100)).toBe(4) // all that lived until now
    expect(await store.housekeeping.deleteExpired(later(3601), 100)).toBe(3) // authorization codes
    expect(await store.housekeeping.deleteExpired(later(day + 1), 100)).toBe(6) // grants and flows
    expect(await store.grants.findRefreshToken(userPoolId, 'old')).toBeUndefined()
    expect(await store.housekeeping.deleteExpired(later(7 * day - 1), 100)).toBe(0)
    expect(await store.housekeeping.deleteExpired(later(7 * day), 100)).toBe(1) // the sent message
    expect(await store.outbox.deadLetters(10)).toMatchObject([{ id: 'dead' }])
    expect(await store.housekeeping.deleteExpired(later(30 * day - 1), 100)).toBe(0)
    expect(await store.housekeeping.deleteExpired(later(30 * day), 100)).toBe(1) // what became of an import
    expect(await store.userImports.find(userPoolId, 'file')).toBeUndefined()
  })

  // PostgreSQL does this by itself.
  onEmbedded('room of rows that went is used again', async () => {
    const { store, database } = context
    const userPoolId = await addUserPool(store)
    const sizes: number[] = []
    for (let round = 0; round < 4; round++) {
      const at = later(30 * day + round * day)
      const payload = { text: 'x'.repeat(900) }
      for (let n = 0; n < 300; n++) {
        await store.interactions.save({ userPoolId, idHash: `${round}-${n}`, payload, expiresAt: at })
      }
      await store.housekeeping.deleteExpired(at, 1000)
      const { rows } = await sql<{ size: number }>`select pg_relation_size('interactions')::int as size`.execute(
        database.kysely,
      )
      sizes.push(rows[0]?.size ?? 0)
    }
    expect(Math.max(...sizes)).toBeLessThan(300 * 1200)
  })
})
