import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { haveAccount } from '../support/accounts.ts'
import { linkFor } from '../support/confirmation-links.ts'
import { startServer } from '../support/server.ts'
import type { TestServer } from '../support/server.ts'
import { createUserAgent } from '../support/user-agent.ts'
import type { VisitedPage } from '../support/user-agent.ts'
import { callback, goodPassword, visitorAt, whereItIs, withoutIds } from '../support/visitor.ts'

/* A password that is known from breaches is refused wherever somebody chooses one, or warned of where the user pool says so. */

const breached = 'Trustno1-forever'
const refusal = 'This password is known from data breaches elsewhere'
const insisting = { password: breached, useBreached: '1' }
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
  const acting = (EventAction: string) => ({ CompromisedCredentialsRiskConfiguration: { Actions: { EventAction } } })
  const byLink = { VerificationMessageTemplate: { DefaultEmailOption: 'CONFIRM_WITH_LINK' } }
  server = await startServer({
    configuration: JSON.stringify({
      UserPools: [
        ...[pool('strict'), pool('lax', acting('NO_ACTION')), pool('links', byLink)],
        ...[pool('warned', acting('WARN')), pool('warnedLinks', { ...acting('WARN'), ...byLink })],
      ],
    }),
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
const haveOwner = (username: string, temporary = false, name = 'strict') =>
  haveAccount(server, { username, password: goodPassword, userPoolId: `eu-west-1_${name}`, temporary })

/** In a browser that nobody has signed in with; the mail must have come. */
const resetLinkOf = async (username: string): Promise<VisitedPage> => {
  const mail = (await server.mail()).find(({ to }) => to === username)
  return createUserAgent(server.publicUrl).visit(/https?:\S+\/resetLink\?\S+/.exec(mail?.text ?? '')?.[0] ?? '')
}

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
  expect((await (await resetLinkOf(username)).submit({ password: breached })).text).toContain(refusal)
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

describe('where the user pool only warns, it is taken from whoever insists', () => {
  /** Warned once, and the box ticked by nobody but them. */
  const warned = (page: VisitedPage): void => {
    expect(page.text).toContain(refusal)
    expect(page.html).toMatch(/<input name="useBreached" type="checkbox" value="1">/)
  }
  const signIn = async (username: string): Promise<string> =>
    whereItIs(await (await visitorAt(base('warned'), 'warned')).login.submit({ username, password: breached }))

  test('at sign-up, and a box that is ticked stays so while something else is wrong', async () => {
    const page = await signUp('warned', 'brave@example.com', breached)
    warned(page)
    const wrong = await page.submit({ ...insisting, username: 'no address' })
    expect(wrong.text).not.toContain(refusal)
    expect(wrong.html).toMatch(/<input name="useBreached" type="checkbox" value="1" checked>/)
    expect((await wrong.submit({ username: 'brave@example.com', password: breached })).heading).toBe(
      'Check your messages',
    )
  })

  test('with a forgotten password, by the code and by the link', async () => {
    const username = 'forgets@example.com'
    await haveOwner(username, false, 'warned')
    const visitor = await visitorAt(base('warned'), 'warned')
    const reset = await (await visitor.login.follow('Forgot your password?')).submit({ username })
    const code = await server.codeFor(username)
    warned(await (await resetLinkOf(username)).submit({ password: breached }))
    const page = await reset.submit({ code, password: breached })
    warned(page)
    expect(whereItIs(await page.submit({ code, ...insisting }))).toBe('the app')
    expect(await signIn(username)).toBe('the app')
    const other = 'forgets-too@example.com'
    await haveOwner(other, false, 'warned')
    const another = await visitorAt(base('warned'), 'warned')
    await (await another.login.follow('Forgot your password?')).submit({ username: other })
    await server.codeFor(other)
    expect((await (await resetLinkOf(other)).submit(insisting)).heading).toBe('Your new password is saved')
    expect(await signIn(other)).toBe('the app')
  })

  test('on the account page, in place of a temporary one, and where a link takes a sign-up over', async () => {
    await haveOwner('eva@example.com', false, 'warned')
    const login = await createUserAgent(server.publicUrl).visit(`${base('warned')}/account/password`)
    const page = await login.submit({ username: 'eva@example.com', password: goodPassword })
    const again = await page.submit({ current_password: goodPassword, password: breached })
    warned(again)
    const saved = await again.submit({ current_password: goodPassword, ...insisting })
    expect(saved.text).toContain('Your new password is saved.')
    await haveOwner('new@example.com', true, 'warned')
    const visitor = await visitorAt(base('warned'), 'warned')
    const first = await visitor.login.submit({ username: 'new@example.com', password: goodPassword })
    const refused = await first.submit({ password: breached })
    warned(refused)
    expect(whereItIs(await refused.submit(insisting))).toBe('the app')
    await signUp('warnedLinks', 'taken@example.com', goodPassword)
    const link = await createUserAgent(server.publicUrl).visit(await linkFor(server, 'taken@example.com'))
    const choice = await (await link.follow('Choose a new password')).submit({ password: breached })
    warned(choice)
    expect((await choice.submit(insisting)).heading).toBe('Your account is confirmed')
  })

  test('and where it refuses, the box of a form that is made up changes nothing', async () => {
    const page = await signUp('strict', 'sly@example.com', breached)
    expect(page.html).not.toContain('useBreached')
    expect((await page.submit(insisting)).text).toContain(refusal)
  })
})
