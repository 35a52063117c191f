import { afterAll, beforeAll, expect, test } from 'vitest'
import { signOutUserPool } from '../../src/domain/user-pools/sign-out-user-pool.ts'
import { signOutUser } from '../../src/domain/users/administer-user.ts'
import { devicePeople, devicePoolId, devicePools } from '../support/device-pools.ts'
import type { DevicePool } from '../support/device-pools.ts'
import { movableClock } from '../support/movable-clock.ts'
import { startServer } from '../support/server.ts'
import type { TestServer } from '../support/server.ts'
import { settledMail } from '../support/settled-mail.ts'
import { createUserAgent } from '../support/user-agent.ts'
import type { UserAgent } from '../support/user-agent.ts'
import { goodPassword, whereItIs } from '../support/visitor.ts'
import type { Visitor } from '../support/visitor.ts'

/*
 * B11, a session that counts before its second factor, where a browser is remembered in its place: the cookie is worth nothing
 * without the password, for anybody else, in another pool, once it was forgotten or replaced, or where the owner's own hand
 * is asked for. Nothing but a second factor makes one. Guards src/domain/devices and src/hosted/remembered-device.ts.
 */

const clock = movableClock()
let server: TestServer
beforeAll(async () => {
  server = await startServer({ configuration: devicePools, clock })
})
afterAll(() => server.stop())
const { visit, accountPage, enterPassword, havePerson, provedIn } = devicePeople(() => server, clock)

const oneMoreStep = 'One more step'
const cookieOf = (pool: DevicePool): string => `lk_device_${devicePoolId(pool)}`
const devicesOf = (sub: string, pool: DevicePool = 'asked') =>
  server.services.domain.store.devices.ofUser(devicePoolId(pool), sub, clock.now())

/** A browser of a thief's, with what they have copied. */
async function browserWith(pool: DevicePool, value: string): Promise<Visitor> {
  const browser: UserAgent = createUserAgent(server.publicUrl)
  browser.cookies.set(cookieOf(pool), value)
  return visit(pool, { browser })
}
const secretIn = ({ cookies }: Visitor, pool: DevicePool = 'asked'): string => cookies.get(cookieOf(pool)) ?? ''

test('the cookie alone signs nobody in, and wrong passwords beside it lock as anywhere', async () => {
  const { username, signIn } = await havePerson('asked')
  const { visitor } = await signIn({ remember: true })
  const thief = await browserWith('asked', secretIn(visitor))
  expect((await accountPage(thief, 'asked')).heading).toBe('Sign in')
  let page = thief.login
  for (let guess = 0; guess < 6; guess += 1) page = await page.submit({ username, password: `Wrong-Guess-${guess}` })
  expect([page.status, page.heading]).toEqual([429, 'Sign in'])
})

test('it is one person’s, in one pool', async () => {
  const [ada, eve] = [await havePerson('asked'), await havePerson('asked')]
  const { visitor } = await ada.signIn({ remember: true })
  const secret = secretIn(visitor)
  const thief = await browserWith('asked', secret)
  expect((await thief.login.submit({ username: eve.username, password: goodPassword })).heading).toBe(oneMoreStep)
  // Nor is one that somebody else holds taken over or dropped by signing in beside it.
  await eve.signIn({ remember: true, browser: thief })
  expect(await devicesOf(ada.sub)).toHaveLength(1)

  const other = await havePerson('always')
  const elsewhere = await browserWith('always', secret)
  expect((await elsewhere.login.submit({ username: other.username, password: goodPassword })).heading).toBe(oneMoreStep)
})

test.each([
  ['nothing', ''],
  ['made up', 'A'.repeat(43)],
  ['many', Array.from({ length: 400 }, () => 'A'.repeat(43)).join('.')],
  ['a statement', "' or 1=1 --"],
  ['a digest of it', 'digest'],
])('what is not its secret is nothing: %s', async (_name, made) => {
  const { username, signIn, sub } = await havePerson('asked')
  await signIn({ remember: true })
  const [device] = await devicesOf(sub)
  const thief = await browserWith('asked', made === 'digest' ? (device?.secretHash ?? '') : made)
  expect((await thief.login.submit({ username, password: goodPassword })).heading).toBe(oneMoreStep)
})

test('what lay in the browser before is not what it is remembered by (B16)', async () => {
  const { username, signIn, sub } = await havePerson('asked')
  const planted = 'P'.repeat(43)
  const victim = await browserWith('asked', planted)
  const { visitor } = await signIn({ remember: true, browser: victim })
  expect(secretIn(visitor).split('.')[0]).not.toBe(planted)
  const thief = await browserWith('asked', planted)
  expect((await thief.login.submit({ username, password: goodPassword })).heading).toBe(oneMoreStep)
  // Remembered anew, the old secret is worth nothing.
  const old = secretIn(visitor)
  const list = await accountPage(visitor, 'asked', '/devices')
  await list.submit({ all: '1' }, 'Forget')
  await signIn({ remember: true, browser: visitor })
  expect(await devicesOf(sub)).toHaveLength(1)
  const late = await browserWith('asked', old)
  expect((await late.login.submit({ username, password: goodPassword })).heading).toBe(oneMoreStep)
})

test('only a second factor makes one: not a password, not a wrong code, not the box on another form', async () => {
  const { username, sub } = await havePerson('always')
  const { visitor, page } = await enterPassword('always', username)
  await page.submit({ code: '000000', rememberDevice: '1' })
  const again = await visit('always', { browser: visitor })
  await again.login.submit({ username, password: goodPassword, rememberDevice: '1' })
  expect([await devicesOf(sub, 'always'), visitor.cookies.has(cookieOf('always'))]).toEqual([[], false])
})

test('what one person has ticked is not said for the next one in the same flow (B17)', async () => {
  const [ada, eve] = [await havePerson('asked'), await havePerson('asked')]
  const { visitor, page } = await enterPassword('asked', ada.username)
  const wrong = await page.submit({ code: '000000', rememberDevice: '1' })
  const login = await wrong.follow('Back to sign-in')
  const step = await login.submit({ username: eve.username, password: goodPassword })
  expect(whereItIs(await step.submit({ code: eve.nextCode() }))).toBe('the app')
  expect([await devicesOf(eve.sub), visitor.cookies.has(cookieOf('asked'))]).toEqual([[], false])
})

test('the sensitive pages of the account ask for the factor itself, and once (B18)', async () => {
  const { username, nextCode, signIn } = await havePerson('asked')
  const { visitor } = await signIn({ remember: true })
  const again = await enterPassword('asked', username, visitor)
  expect(whereItIs(again.page)).toBe('the app')
  expect((await accountPage(again.visitor, 'asked')).heading).toBe('Your account')
  for (const path of ['email', 'password', 'factors', 'app', 'recoveryCodes', 'data', 'delete']) {
    const asked = await accountPage(again.visitor, 'asked', `/${path}`)
    expect(asked.heading, path).toBe('Sign in')
    const step = await asked.submit({ username, password: goodPassword })
    expect([step.heading, step.html.includes('rememberDevice')], path).toEqual([oneMoreStep, false])
  }
  const asked = await accountPage(again.visitor, 'asked', '/factors')
  const step = await asked.submit({ username, password: goodPassword })
  expect((await step.submit({ code: nextCode() })).heading).toBe('Two-step sign-in')
})

test('an address that pretends to be an account page’s brings no more than any other', async () => {
  const { username, signIn } = await havePerson('asked')
  const { visitor } = await signIn({ remember: true })
  await visitor.visit(`${server.publicUrl}/${devicePoolId('asked')}/logout?client_id=asked`)
  const parameters = {
    ...{ client_id: 'asked', response_type: 'none', redirect_uri: 'urn:latchkey:account', state: 'home' },
  }
  const login = await visitor.visit(`${visitor.base}/oauth2/authorize?${new URLSearchParams(parameters).toString()}`)
  expect((await login.submit({ username, password: goodPassword })).heading).toBe('Your account')
  expect((await accountPage(visitor, 'asked', '/email')).heading).toBe('Sign in')
})

test('where the operator has closed this way, browsers and sessions of before count no more', async () => {
  const { username, sub, signIn } = await havePerson('asked')
  const { visitor } = await signIn({ remember: true })
  const open = await enterPassword('asked', username, visitor)
  expect(whereItIs(open.page)).toBe('the app')
  await closing('asked', async () => {
    const silent = await visit('asked', { browser: open.visitor, parameters: { prompt: 'none' } })
    expect(whereItIs(silent.login)).toBe('the app: login_required')
    expect((await enterPassword('asked', username, open.visitor)).page.heading).toBe(oneMoreStep)
  })
  expect(await devicesOf(sub)).toHaveLength(1)
})

/** Changes the running pool's settings, as the operator would, and back. */
async function closing(pool: DevicePool, act: () => Promise<void>): Promise<void> {
  const { settings } = server.services.domain.store
  const record = (await settings.userPools()).find(({ id }) => id === devicePoolId(pool))
  if (record === undefined) throw new Error('there is no such pool')
  const { DeviceConfiguration: _, ...left } = record.settings
  const save = async (now: typeof record.settings) => {
    await settings.saveUserPool({ ...record, settings: now }, clock.now())
    await server.services.directory.refresh()
  }
  await save(left)
  await act().finally(() => save(record.settings))
}

test('an app that asks for more than a password gets it', async () => {
  const { username, nextCode, signIn } = await havePerson('asked')
  const { visitor } = await signIn({ remember: true })
  const parameters = { acr_values: 'urn:cognito:loa:4', prompt: 'login' }
  const asked = await visit('asked', { browser: visitor, parameters })
  const step = await asked.login.submit({ username, password: goodPassword })
  expect(step.heading).toBe(oneMoreStep)
  const { amr } = await provedIn(asked, await step.submit({ code: nextCode() }))
  expect(amr).toEqual(['pwd', 'otp', 'mfa'])
})

test.each<[string, (person: Awaited<ReturnType<typeof havePerson>>) => Promise<unknown>]>([
  ['the operator', ({ sub }) => operate(sub, (user) => signOutUser(server.services.domain, user))],
  ['the operator, of everybody', () => signOutUserPool(server.services.domain, devicePoolId('asked'))],
  ['an owner who says that it was somebody else', ({ username }) => sayNotMe(username)],
  ['a forgotten password', ({ username }) => resetPassword(username)],
])('signed out of everything by %s, no browser is remembered', async (_name, end) => {
  const person = await havePerson('asked')
  const { visitor } = await person.signIn({ remember: true })
  await end(person)
  expect(await devicesOf(person.sub)).toEqual([])
  const thief = await browserWith('asked', secretIn(visitor))
  const step = await thief.login.submit({ username: person.username, password: goodPassword })
  // Who was told that it is not them has to choose another password first.
  expect([oneMoreStep, 'Forgot your password?']).toContain(step.heading)
})

/** By the link of the notice of a further browser. */
async function sayNotMe(username: string): Promise<void> {
  const mail = (await settledMail(server)).find(({ to, text }) => to === username && text.includes('/notMe?'))
  const link = /https?:\S+\/notMe\?\S+/.exec(mail?.text ?? '')?.[0] ?? 'no link'
  await (await createUserAgent(server.publicUrl).visit(link)).submit({})
}

async function operate(sub: string, act: Parameters<typeof then>[1]): Promise<unknown> {
  return then(await server.services.domain.store.users.findBySub(devicePoolId('asked'), sub), act)
}
const then = (
  user: Awaited<ReturnType<typeof server.services.domain.store.users.findBySub>>,
  act: (user: Parameters<typeof signOutUser>[1]) => Promise<unknown>,
): Promise<unknown> => (user === undefined ? Promise.reject(new Error('no user')) : act(user))

async function resetPassword(username: string): Promise<void> {
  const browser = await visit('asked')
  const reset = await (await browser.login.follow('Forgot your password?')).submit({ username })
  await reset.submit({ code: await server.codeFor(username), password: goodPassword })
}

test('nobody forgets another’s', async () => {
  const [ada, eve] = [await havePerson('asked'), await havePerson('asked')]
  await ada.signIn({ remember: true })
  const { visitor } = await eve.signIn({ remember: true })
  const [device] = await devicesOf(ada.sub)
  const list = await accountPage(visitor, 'asked', '/devices')
  for (const key of [device?.deviceKey ?? '', '', "' or 1=1 --"]) await list.submit({ forget: key }, 'Forget')
  expect([(await devicesOf(ada.sub)).length, (await devicesOf(eve.sub)).length]).toEqual([1, 1])
})

test('the cookie is out of reach of scripts and other sites, lives as long as it counts, and does not grow', async () => {
  const seen: string[] = []
  const browser = createUserAgent(server.publicUrl, {}, async (_url, response) => {
    seen.push(...response.headers.getSetCookie().filter((line) => line.startsWith(cookieOf('asked'))))
  })
  let visitor = await visit('asked', { browser })
  for (let index = 0; index < 10; index += 1) {
    const { signIn } = await havePerson('asked')
    visitor = (await signIn({ remember: true, browser: visitor })).visitor
  }
  expect(seen).toHaveLength(10)
  for (const line of seen) expect(line).toMatch(/^[\w-]+=[\w.-]+; Path=\/; Max-Age=2592000; HttpOnly; SameSite=Lax$/)
  expect(secretIn(visitor).split('.')).toHaveLength(8)
})
