import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { haveAccount } from '../support/accounts.ts'
import { linkFor } from '../support/confirmation-links.ts'
import { startServer } from '../support/server.ts'
import type { TestServer } from '../support/server.ts'
import { createUserAgent } from '../support/user-agent.ts'
import { callback, goodPassword, visitorAt, withoutIds } from '../support/visitor.ts'

/* A password that is known from breaches is refused wherever somebody chooses one. */

const breached = 'Trustno1-forever'
const refusal = 'This password is known from data breaches elsewhere'
const pool = (name: string, more: object = {}): object => ({
  Id: `eu-west-1_${name}`,
  PoolName: name,
  UsernameAttributes: ['email'],
  AutoVerifiedAttributes: ['email'],
  Clients: [
    { ClientId: name, CallbackURLs: [callback], AllowedOAuthFlows: ['code'], AllowedOAuthScopes: ['openid', 'email'] },
  ],
  ...more,
})

let folder: string
let server: TestServer
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'breached-'))
  const list = join(folder, 'list.txt')
  const hashes = [breached, 'password', '123456'].map((text) => createHash('sha1').update(text).digest('hex'))
  await writeFile(list, `${hashes.sort().join('\n')}\n`)
  const lax = { CompromisedCredentialsRiskConfiguration: { Actions: { EventAction: 'NO_ACTION' } } }
  const byLink = { VerificationMessageTemplate: { DefaultEmailOption: 'CONFIRM_WITH_LINK' } }
  server = await startServer({
    configuration: JSON.stringify({ UserPools: [pool('strict'), pool('lax', lax), pool('links', byLink)] }),
    environment: { breachedPasswords: list },
  })
})
afterAll(async () => {
  await server.stop()
  await rm(folder, { recursive: true })
})

const base = (name: string): string => `${server.publicUrl}/eu-west-1_${name}`
const signUp = async (name: string, username: string, password: string) => {
  const visitor = await visitorAt(base(name), name)
  return (await visitor.login.follow('Create an account')).submit({ username, password })
}
const haveOwner = (username: string, temporary = false) =>
  haveAccount(server, { username, password: goodPassword, userPoolId: 'eu-west-1_strict', temporary })

test('at sign-up, whether or not the address has an account; what was typed stays', async () => {
  await haveOwner('known@example.com')
  const known = await signUp('strict', 'known@example.com', breached)
  const unknown = await signUp('strict', 'unknown@example.com', breached)
  expect(known.text).toContain(refusal)
  expect(unknown.field('username')).toBe('unknown@example.com')
  expect(withoutIds(known.html).replaceAll('known@example.com', '')).toBe(
    withoutIds(unknown.html).replaceAll('unknown@example.com', ''),
  )
  expect((await unknown.submit({ password: goodPassword })).heading).toBe('Check your messages')
})

test('when a password is forgotten, by the code and by the link; neither is used up', async () => {
  const username = 'forgetful@example.com'
  await haveOwner(username)
  const visitor = await visitorAt(base('strict'), 'strict')
  const reset = await (await visitor.login.follow('Forgot your password?')).submit({ username })
  const code = await server.codeFor(username)
  const refused = await reset.submit({ code, password: breached })
  expect(refused.text).toContain(refusal)
  const [mail] = (await server.mail()).filter(({ to }) => to === username)
  const link = await createUserAgent(server.publicUrl).visit(
    /https?:\S+\/resetLink\?\S+/.exec(mail?.text ?? '')?.[0] ?? '',
  )
  expect((await link.submit({ password: breached })).text).toContain(refusal)
  expect((await refused.submit({ code, password: 'Babbage-Engine-2' })).url.href).toContain(callback)
})

test('on the account page, and in place of a temporary one', async () => {
  await haveOwner('ada@example.com')
  const login = await createUserAgent(server.publicUrl).visit(`${base('strict')}/account/password`)
  const page = await login.submit({ username: 'ada@example.com', password: goodPassword })
  expect((await page.submit({ current_password: goodPassword, password: breached })).text).toContain(refusal)
  await haveOwner('invited@example.com', true)
  const visitor = await visitorAt(base('strict'), 'strict')
  const first = await visitor.login.submit({ username: 'invited@example.com', password: goodPassword })
  expect((await first.submit({ password: breached })).text).toContain(refusal)
})

test('where a link confirms somebody else’s sign-up, who takes it over with a password of their own', async () => {
  await signUp('links', 'mine@example.com', goodPassword)
  const page = await createUserAgent(server.publicUrl).visit(await linkFor(server, 'mine@example.com'))
  const choice = await page.follow('Choose a new password')
  const refused = await choice.submit({ password: breached })
  expect(refused.text).toContain(refusal)
  expect((await refused.submit({ password: 'Babbage-Engine-2' })).heading).toBe('Your account is confirmed')
})

test('not in a user pool that does not want it', async () => {
  expect((await signUp('lax', 'easy@example.com', breached)).heading).toBe('Check your messages')
})
