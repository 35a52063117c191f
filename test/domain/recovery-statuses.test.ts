import { describe, expect, test } from 'vitest'
import { confirmForgotPassword } from '../../src/domain/recovery/confirm-forgot-password.ts'
import { signIn } from '../../src/domain/sign-in/sign-in.ts'
import { createUser } from '../../src/domain/users/administer-user.ts'
import type { UserStatus } from '../../src/domain/users/user.ts'
import { askForReset, clientOf, onEachDatabase, password } from './domain-fixture.ts'

/** Whether a code goes out: to a verified address, and to one that the account was never used without. */
const table: readonly [UserStatus, verified: boolean, reaches: boolean][] = [
  ['UNCONFIRMED', true, true],
  ['UNCONFIRMED', false, true],
  ['CONFIRMED', true, true],
  ['CONFIRMED', false, false],
  ['FORCE_CHANGE_PASSWORD', true, true],
  ['FORCE_CHANGE_PASSWORD', false, true],
  ['RESET_REQUIRED', true, true],
  ['RESET_REQUIRED', false, false],
  ['COMPROMISED', true, true],
  ['EXTERNAL_PROVIDER', true, false],
  ['ARCHIVED', true, false],
]

onEachDatabase((context) => {
  describe('a forgotten password of a user who is', () => {
    test.each(table)('%s, with an address verified: %s, gets a code: %s', async (status, verified, reaches) => {
      const userPool = await context.makePool({ UsernameAttributes: ['email'], AutoVerifiedAttributes: ['email'] })
      const username = 'ana@example.org'
      const attributes = verified ? { email_verified: 'true' } : {}
      const made = await createUser(context.services, { userPool, username, attributes, password, permanent: false })
      if (made.kind !== 'done') throw new Error(made.reason)
      const { users } = context.services.store
      await users.update(userPool.id, made.user.sub, { status }, context.clock.now())
      // Longer than a temporary password lives.
      context.clock.pass(30 * 86_400)
      await context.newMessages()

      const outcome = await askForReset(context.services, { userPool, username })
      // Whatever the page is told, it is the same for everybody.
      expect(outcome.delivery).toMatchObject({ medium: 'EMAIL', destination: 'a***@e***', attribute: 'email' })
      expect(await users.findBySub(userPool.id, made.user.sub)).toMatchObject({ status })
      const [message] = await context.newMessages()
      expect([message !== undefined, outcome.userSub !== undefined]).toEqual([reaches, reaches])
      if (message?.code === undefined) return

      const request = { userPool, userSub: outcome.userSub, username, code: message.code, password: 'Different-1852' }
      expect(await confirmForgotPassword(context.services, request)).toMatchObject({ kind: 'done' })
      const user = await users.findBySub(userPool.id, made.user.sub)
      expect(user).toMatchObject({ status: 'CONFIRMED', attributes: { email_verified: 'true' } })
      const signedIn = { userPool, appClient: clientOf(userPool), username, password: 'Different-1852' }
      expect(await signIn(context.services, signedIn)).toMatchObject({ kind: 'done' })
    })
  })
})
