import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createUserOnRequest } from '../../../src/domain/users/operator-triggers.ts'
import { userPoolOf } from '../../support/accounts.ts'
import { startServer } from '../../support/server.ts'
import type { TestServer } from '../../support/server.ts'
import { callback, goodPassword, visitorAt, whereItIs } from '../../support/visitor.ts'

/* One file for all triggers: what webhook.test.ts and its neighbours show of webhooks, of a module. */

let server: TestServer
beforeAll(async () => {
  const module = {
    Module: join(import.meta.dirname, '..', '..', 'support', 'trigger-modules', 'every.mjs'),
    Retries: 0,
  }
  const names = ['PreSignUp', 'PostConfirmation', 'CustomMessage', 'UserMigration', 'CustomSMSSender']
  const configuration = JSON.stringify({
    UserPools: [
      {
        Id: 'eu-west-1_every',
        PoolName: 'every',
        UsernameAttributes: ['email', 'phone_number'],
        AutoVerifiedAttributes: ['email', 'phone_number'],
        Triggers: Object.fromEntries(names.map((name) => [name, module])),
        Clients: [{ ClientId: 'every', CallbackURLs: [callback] }],
      },
    ],
  })
  server = await startServer({ configuration })
})
afterAll(() => server.stop())

const visit = async () => (await visitorAt(`${server.publicUrl}/eu-west-1_every`, 'every')).login
const signUp = async (username: string) =>
  (await (await visit()).follow('Create an account')).submit({ username, password: goodPassword })
const subjects = async (to: string) =>
  (await server.mail()).filter((mail) => mail.to === to).map(({ subject }) => subject)

test('a sign-up: turned away, in words of its own, and when it is too late', async () => {
  expect((await signUp('no-ada@example.com')).text).toContain('Not by PreSignUp.')
  const confirming = await signUp('ada@example.com')
  const code = await server.codeFor('ada@example.com')
  expect(await subjects('ada@example.com')).toEqual(['CustomMessage_SignUp'])
  expect(whereItIs(await confirming.submit({ code }))).toBe('the app')
  const late = await signUp('late-ada@example.com')
  const after = await late.submit({ code: await server.codeFor('late-ada@example.com') })
  expect(after.text).toContain('Not by PostConfirmation_ConfirmSignUp.')
})

test('somebody who is still elsewhere signs in, and somebody else forgets their password', async () => {
  const username = 'grace@example.com'
  expect((await (await visit()).submit({ username, password: 'Not-the-one-1' })).text).toContain('Incorrect username')
  expect(whereItIs(await (await visit()).submit({ username, password: goodPassword }))).toBe('the app')
  const forgetful = 'forgetful@example.com'
  await (await (await visit()).follow('Forgot your password?')).submit({ username: forgetful })
  await server.codeFor(forgetful)
  expect(await subjects(forgetful)).toEqual(['CustomMessage_ForgotPassword'])
})

test('an operator’s new user is invited in its words', async () => {
  await createUserOnRequest(server.services.domain, {
    userPool: userPoolOf(server, 'eu-west-1_every'),
    username: 'invited@example.com',
    attributes: {},
    password: 'Temporary-1852',
    permanent: false,
    invite: true,
  })
  await expect
    .poll(() => subjects('invited@example.com'), { timeout: 10_000 })
    .toEqual(['CustomMessage_AdminCreateUser'])
  const [mail] = (await server.mail()).filter(({ to }) => to === 'invited@example.com')
  expect(mail?.text).toContain('CustomMessage_AdminCreateUser: Temporary-1852 invited@example.com')
})

test('a text message is the sender’s', async () => {
  await signUp('+442079460958')
  const { triggerInvocations } = server.services.domain.store
  const problem = async () =>
    (await triggerInvocations.page({ userPoolId: 'eu-west-1_every', limit: 1, trigger: 'CustomSMSSender' }))[0]?.problem
  await expect.poll(problem, { timeout: 10_000 }).toContain('CustomSMSSender_SignUp 6')
})
