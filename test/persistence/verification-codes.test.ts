import { describe, expect, test } from 'vitest'
import type { VerificationCode } from '../../src/domain/verification-codes/verification-code.ts'
import { onEachDatabase } from './databases.ts'
import { addUser, addUserPool, inParallel, later, now } from './records.ts'

onEachDatabase((context) => {
  async function liveCode(change: Partial<VerificationCode> = {}) {
    const { store } = context
    const userPoolId = await addUserPool(store)
    const user = await addUser(store, userPoolId)
    const code: VerificationCode = {
      userPoolId,
      userSub: user.sub,
      purpose: 'sign_up',
      attribute: 'email',
      destination: 'ada@example.com',
      codeHash: 'right',
      sentAt: now,
      expiresAt: later(3600),
      ...change,
    }
    await store.verificationCodes.replace(code)
    const attempt = (codeHash: string, at = now) =>
      store.verificationCodes.attempt({
        userPoolId,
        userSub: user.sub,
        purpose: code.purpose,
        codeHash,
        at,
      })
    return { code, attempt, find: () => store.verificationCodes.find(userPoolId, user.sub, code.purpose) }
  }

  describe('a code', () => {
    test('is matched once, and says what it proves', async () => {
      const { attempt, code, find } = await liveCode()
      expect(await find()).toEqual(code)
      expect(await attempt('right')).toEqual({ kind: 'matched', attribute: 'email', destination: 'ada@example.com' })
      expect(await attempt('right')).toEqual({ kind: 'spent' })
      expect(await find()).toBeUndefined()
    })

    test('survives wrong tries: how many there may be is counted elsewhere (threat row B15)', async () => {
      const { attempt } = await liveCode()
      for (let wrong = 0; wrong < 20; wrong++) expect(await attempt('wrong')).toEqual({ kind: 'mismatch' })
      expect(await attempt('right')).toMatchObject({ kind: 'matched' })
    })

    test('expires', async () => {
      const { attempt } = await liveCode()
      expect(await attempt('right', later(3600))).toEqual({ kind: 'expired' })
      expect(await attempt('right', later(3599))).toMatchObject({ kind: 'matched' })
    })

    test('is replaced by a new one', async () => {
      const { attempt, code } = await liveCode()
      await context.store.verificationCodes.replace({ ...code, codeHash: 'newer', sentAt: later(60) })
      expect(await attempt('right', later(60))).toEqual({ kind: 'mismatch' })
      expect(await attempt('newer', later(60))).toMatchObject({ kind: 'matched' })
    })

    test('is not there for who has none', async () => {
      const { code } = await liveCode()
      const request = { ...code, purpose: 'reset' as const, at: now }
      expect(await context.store.verificationCodes.attempt(request)).toEqual({ kind: 'expired' })
    })
  })

  test('of 30 requests for a new code at once one replaces the last, and none while that is young', async () => {
    const { code, attempt } = await liveCode()
    const { verificationCodes } = context.store
    const ask = (number: number, at: Date): Promise<boolean> =>
      verificationCodes.replace({ ...code, codeHash: `code ${number}`, sentAt: at }, new Date(at.getTime() - 30_000))
    let number = 0
    const young = await inParallel(30, () => ask((number += 1), later(29)))
    expect(young).not.toContain(true)
    expect(await attempt('right')).toMatchObject({ kind: 'matched' })
    // Spent: now a new one may be had at once, by one of them.
    const spent = await inParallel(30, () => ask((number += 1), later(29)))
    expect(spent.filter(Boolean)).toHaveLength(1)
  })

  test('a code to another address does not wait for the cool-down', async () => {
    const { code, find } = await liveCode()
    const other = { ...code, destination: 'ada@example.org', codeHash: 'other' }
    expect(await context.store.verificationCodes.replace(other, later(-30))).toBe(true)
    expect(await find()).toMatchObject({ codeHash: 'other' })
  })

  test('of 200 parallel right answers one wins', async () => {
    const { attempt } = await liveCode()
    const outcomes = await inParallel(200, () => attempt('right'))
    expect(outcomes.filter(({ kind }) => kind === 'matched')).toHaveLength(1)
    expect(outcomes.filter(({ kind }) => kind === 'spent')).toHaveLength(199)
  })
})
