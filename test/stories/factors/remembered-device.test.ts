import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { linkWaitingEvents } from '../../../src/domain/audit/link-events.ts'
import { resetMfa } from '../../../src/domain/mfa/reset-mfa.ts'
import { devicePeople, devicePoolId, devicePools } from '../../support/device-pools.ts'
import { movableClock } from '../../support/movable-clock.ts'
import { makePasskey } from '../../support/software-authenticator.ts'
import { databaseKinds, startServer } from '../../support/server.ts'
import type { TestServer } from '../../support/server.ts'
import { goodPassword, whereItIs } from '../../support/visitor.ts'

/* A browser in which the second factor was shown once: a password is enough there, for a while. */

const day = 86_400
const oneMoreStep = 'One more step'

describe.each(databaseKinds)('on %s', (database) => {
  let server: TestServer
  const clock = movableClock()
  beforeAll(async () => {
    server = await startServer({ database, configuration: devicePools, clock })
  })
  afterAll(() => server.stop())
  const { visit, accountPage, enterPassword, havePerson, provedIn } = devicePeople(() => server, clock)

  test('whoever asks for it is not asked for the second step in this browser, for thirty days', async () => {
    const { username, signIn } = await havePerson('asked')
    const { visitor, page } = await signIn({ remember: true })
    expect(await provedIn(visitor, page)).toEqual({ amr: ['pwd', 'otp', 'mfa'], acr: 'urn:cognito:loa:4' })
    const again = await enterPassword('asked', username, visitor)
    expect(await provedIn(again.visitor, again.page)).toEqual({ amr: ['pwd', 'device'], acr: 'urn:cognito:loa:1' })
    // The session that it began is as good as any: no app asks again.
    const silent = await visit('asked', { browser: visitor, parameters: { prompt: 'none' } })
    expect(whereItIs(silent.login)).toBe('the app')
    // In another browser it is asked for.
    expect((await enterPassword('asked', username)).page.heading).toBe(oneMoreStep)
    clock.pass(29 * day)
    expect(whereItIs((await enterPassword('asked', username, visitor)).page)).toBe('the app')
    clock.pass(day)
    expect((await enterPassword('asked', username, visitor)).page.heading).toBe(oneMoreStep)
  })

  test('whoever does not ask is asked the next time; what was ticked beside a wrong code stays ticked', async () => {
    const { username, nextCode, signIn } = await havePerson('asked')
    const { visitor } = await signIn()
    const { visitor: again, page } = await enterPassword('asked', username, visitor)
    expect([page.heading, page.text]).toEqual([
      oneMoreStep,
      expect.stringContaining('Don’t ask again in this browser for 30 days'),
    ])
    expect(page.html).not.toMatch(/name="rememberDevice"[^>]* checked/)
    const wrong = await page.submit({ code: '000000', rememberDevice: '1' })
    expect(wrong.html).toMatch(/name="rememberDevice"[^>]* checked/)
    expect(whereItIs(await wrong.submit({ code: nextCode() }))).toBe('the app')
    expect(whereItIs((await enterPassword('asked', username, again)).page)).toBe('the app')
  })

  test('where the pool always remembers, nobody is asked whether to', async () => {
    const { username, signIn } = await havePerson('always')
    const { visitor, page } = await enterPassword('always', username)
    expect([page.heading, page.html.includes('rememberDevice')]).toEqual([oneMoreStep, false])
    await signIn({ browser: visitor })
    expect(whereItIs((await enterPassword('always', username, visitor)).page)).toBe('the app')
    clock.pass(7 * day)
    expect((await enterPassword('always', username, visitor)).page.heading).toBe(oneMoreStep)
  })

  test.each(['tracked', 'never'] as const)(
    'where devices do not count (%s), there is no box and no page',
    async (pool) => {
      const { username, signIn } = await havePerson(pool)
      const { visitor } = await signIn({ remember: true })
      const { page } = await enterPassword(pool, username, visitor)
      expect([page.heading, page.html.includes('rememberDevice')]).toEqual([oneMoreStep, false])
      await signIn({ browser: visitor })
      expect((await accountPage(visitor, pool)).text).not.toContain('Remembered browsers')
      expect((await accountPage(visitor, pool, '/devices')).status).toBe(404)
    },
  )

  test('several people have one browser remembered, each for themselves', async () => {
    const [ada, ben] = [await havePerson('asked'), await havePerson('asked')]
    const { visitor } = await ada.signIn({ remember: true })
    expect((await enterPassword('asked', ben.username, visitor)).page.heading).toBe(oneMoreStep)
    await ben.signIn({ remember: true, browser: visitor })
    for (const { username } of [ada, ben, ada]) {
      expect(whereItIs((await enterPassword('asked', username, visitor)).page)).toBe('the app')
    }
    // Forgotten by one of them, it stays remembered for the other.
    const list = await accountPage(visitor, 'asked', '/devices')
    expect((await list.submit({ forget: keysOn(list.html)[0] ?? '' }, 'Forget')).text).toContain('Forgotten.')
    expect((await enterPassword('asked', ada.username, visitor)).page.heading).toBe(oneMoreStep)
    expect(whereItIs((await enterPassword('asked', ben.username, visitor)).page)).toBe('the app')
  })

  test('they are listed, and can be forgotten one by one or all together', async () => {
    const { username, signIn } = await havePerson('asked')
    const here = await signIn({ remember: true })
    const [second, third] = [await signIn({ remember: true }), await signIn({ remember: true })]
    const home = await accountPage(here.visitor, 'asked')
    const list = await home.follow('Remembered browsers')
    expect(list.text).toMatch(/This browser.*Remembered .*Last used .*From the address .*127\.0\.0\.1.*Until /)
    expect(list.html.match(/class="badge"/g)).toHaveLength(1)
    expect(keysOn(list.html)).toHaveLength(3)
    expect(keysOn(list.html)[0]).toMatch(/^eu-west-1_[0-9a-f-]{36}$/)
    // The newest stands first.
    const left = await list.submit({ forget: keysOn(list.html)[0] ?? '' }, 'Forget')
    expect([left.text.includes('The next sign-in there asks'), keysOn(left.html).length]).toEqual([true, 2])
    expect((await enterPassword('asked', username, third.visitor)).page.heading).toBe(oneMoreStep)
    expect(whereItIs((await enterPassword('asked', username, second.visitor)).page)).toBe('the app')
    const none = await left.submit({ all: '1' }, 'Forget all of them')
    expect(none.text).toContain('There are none.')
    for (const { visitor } of [here, second]) {
      expect((await enterPassword('asked', username, visitor)).page.heading).toBe(oneMoreStep)
    }
  })

  test('the activity tells of it, and so does the export', async () => {
    const { signIn } = await havePerson('asked')
    const { visitor } = await signIn({ remember: true })
    await linkWaitingEvents(server.services.domain, { wait: true })
    expect((await accountPage(visitor, 'asked', '/activity')).text).toContain('Browser remembered')
    const data = await accountPage(visitor, 'asked', '/data')
    const file = JSON.parse((await data.submit({})).html) as { Devices: object[] }
    expect(file.Devices).toMatchObject([{ DeviceKey: expect.stringMatching(/^eu-west-1_/) }])
  })

  test('asked again for an app’s sake, the factor renews it in the same place', async () => {
    const { username, nextCode, signIn } = await havePerson('asked')
    const { visitor } = await signIn({ remember: true })
    await enterPassword('asked', username, visitor)
    clock.pass(20 * day)
    const { visitor: again, page: login } = await enterPassword('asked', username, visitor)
    expect(whereItIs(login)).toBe('the app')
    const more = await visit('asked', { browser: again, parameters: { acr_values: 'urn:cognito:loa:4' } })
    expect(more.login.heading).toBe(oneMoreStep)
    const done = await more.login.submit({ code: nextCode(), rememberDevice: '1' })
    expect(await provedIn(more, done)).toEqual({ amr: ['pwd', 'device', 'otp', 'mfa'], acr: 'urn:cognito:loa:4' })
    expect(keysOn((await accountPage(again, 'asked', '/devices')).html)).toHaveLength(1)
    clock.pass(29 * day)
    expect(whereItIs((await enterPassword('asked', username, again)).page)).toBe('the app')
  })

  test('factors that are taken off, by their owner or the operator, take it with them', async () => {
    const { store } = server.services.domain
    const ada = await havePerson('asked')
    const { visitor } = await ada.signIn({ remember: true })
    const account = await accountPage(visitor, 'asked', '/factors')
    const withMail = await account.submit({ enable: 'EMAIL_OTP' })
    expect(withMail.text).toContain('Two-step sign-in')
    await withMail.submit({ disable: 'EMAIL_OTP' })
    expect((await enterPassword('asked', ada.username, visitor)).page.heading).toBe(oneMoreStep)

    await ada.signIn({ remember: true, browser: visitor })
    const passkeys = await accountPage(visitor, 'asked', '/passkeys')
    const { credential, passkey } = makePasskey(passkeys)
    const made = await passkeys.submit({ credential }, 'Create a passkey')
    expect(await store.devices.ofUser(devicePoolId('asked'), ada.sub, clock.now())).toHaveLength(1)
    expect((await made.submit({ remove: passkey.id }, 'Remove')).text).toContain('Removed.')
    expect((await enterPassword('asked', ada.username, visitor)).page.heading).toBe(oneMoreStep)

    const ben = await havePerson('asked')
    const there = await ben.signIn({ remember: true })
    const user = await store.users.findBySub(devicePoolId('asked'), ben.sub)
    if (user !== undefined) await resetMfa(server.services.domain, user)
    expect(await store.devices.ofUser(devicePoolId('asked'), ben.sub, clock.now())).toEqual([])
    // His mailbox is a factor where the pool insists on one.
    expect((await enterPassword('asked', ben.username, there.visitor)).page.heading).toBe(oneMoreStep)
  })

  test('a new password asks for the second step everywhere', async () => {
    const { username, signIn } = await havePerson('asked')
    const { visitor } = await signIn({ remember: true })
    const page = await accountPage(visitor, 'asked', '/password')
    const changed = await page.submit({ current_password: goodPassword, password: 'Babbage-Engine-2' })
    expect(changed.text).toContain('Your new password is saved.')
    const next = await enterPassword('asked', username, visitor, 'Babbage-Engine-2')
    expect(next.page.heading).toBe(oneMoreStep)
  })
})

const keysOn = (html: string): readonly string[] =>
  [...html.matchAll(/name="forget" value="([^"]+)"/g)].map(([, key]) => key ?? '')
