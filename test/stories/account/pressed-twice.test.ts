import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { haveAccount } from '../../support/accounts.ts'
import { appFrom, factorPoolId, factorPools } from '../../support/factor-pools.ts'
import { movableClock } from '../../support/movable-clock.ts'
import { databaseKinds, startServer } from '../../support/server.ts'
import type { TestServer } from '../../support/server.ts'
import { settledMail } from '../../support/settled-mail.ts'
import { createUserAgent } from '../../support/user-agent.ts'
import type { UserAgent, VisitedPage } from '../../support/user-agent.ts'
import { goodPassword } from '../../support/visitor.ts'

/*
 * Without script a button that is pressed twice sends its form twice, and only the second answer is seen. What the first has done
 * is told then, not that it cannot be done once more.
 */

const newPassword = 'Babbage-Engine-2'

/** How long presses lie apart is the test's to say, not the machine's. */
function stopTheWatch() {
  let now = performance.now()
  const watch = vi.spyOn(performance, 'now').mockImplementation(() => now)
  onTestFinished(() => watch.mockRestore())
  return { pass: (seconds: number) => void (now += seconds * 1000) }
}

describe.each(databaseKinds)('pressed twice, on %s', (database) => {
  let server: TestServer
  const clock = movableClock()
  beforeAll(async () => {
    server = await startServer({ database, configuration: factorPools(), clock })
  })
  afterAll(() => server.stop())

  const pageAt = (browser: UserAgent, path = ''): Promise<VisitedPage> =>
    browser.visit(`${server.publicUrl}/${factorPoolId('optional')}/account${path}`)
  let people = 0
  const newAddress = (): string => `twice-${(people += 1)}@example.com`
  const signedIn = async () => {
    const username = newAddress()
    const user = await haveAccount(server, {
      ...{ username, password: goodPassword },
      userPoolId: factorPoolId('optional'),
    })
    const browser = createUserAgent(server.publicUrl)
    const home = await (await pageAt(browser)).submit({ username, password: goodPassword })
    expect(home.heading).toBe('Your account')
    return { username, user, browser, home }
  }
  const signInWith = async (username: string, password: string): Promise<string> =>
    (await (await pageAt(createUserAgent(server.publicUrl))).submit({ username, password })).heading

  test('a new password is saved, and the one before is not asked for again', async () => {
    const { username, home } = await signedIn()
    const page = await home.follow('Password')
    const watch = stopTheWatch()
    const done = await page.submitTwice({ current_password: goodPassword, password: newPassword })
    expect([done.heading, done.text]).toEqual(['Your account', expect.stringContaining('Your new password is saved.')])
    // Also while the page that it leads to is on its way, and no later.
    const typed = { current_password: goodPassword, password: newPassword }
    watch.pass(0.9)
    expect((await page.submit(typed)).text).toContain('Your new password is saved.')
    watch.pass(0.2)
    expect((await page.submit(typed)).text).toContain('This isn’t your current password.')
    expect(await signInWith(username, newPassword)).toBe('Your account')
    const notices = (await settledMail(server)).filter(
      ({ to, subject }) => to === username && /password/i.test(subject),
    )
    expect(notices).toHaveLength(1)
  })

  test('ten seconds after the first press nothing is left of it, however often it was pressed', async () => {
    const { browser, home } = await signedIn()
    const page = await home.follow('Password')
    const watch = stopTheWatch()
    const fields = { _csrf: page.field('_csrf') ?? '', current_password: goodPassword, password: newPassword }
    const press = async () => {
      const answer = await browser.request(page.url.href, { method: 'POST', body: new URLSearchParams(fields) })
      return answer.headers.get('location') ?? (await answer.text())
    }
    const first = await press()
    expect(first).toContain('/account')
    for (const seconds of [4, 5.9]) {
      watch.pass(seconds)
      expect(await press()).toBe(first)
    }
    watch.pass(0.2)
    expect(await press()).toContain('This isn’t your current password.')
  })

  test('a new address is confirmed', async () => {
    const { home } = await signedIn()
    const address = newAddress()
    const asked = await (await home.follow('Email address')).submitTwice({ email: address })
    expect(asked.heading).toBe('Enter the code')
    const done = await asked.submitTwice({ code: await server.codeFor(address) })
    expect(done.text).toContain('Your address is confirmed.')
    expect(await signInWith(address, goodPassword)).toBe('Your account')
  })

  test('an account is deleted', async () => {
    const { home } = await signedIn()
    const done = await (await home.follow('Delete your account')).submitTwice({ confirm: 'delete' })
    expect([done.status, done.heading]).toEqual([200, 'Your account is deleted'])
  })

  test('an authenticator app is there once, and gone', async () => {
    const { home } = await signedIn()
    const setUp = await (await home.follow('Two-step sign-in')).follow('Set up an authenticator app')
    const factors = await setUp.submitTwice({ code: appFrom(setUp).codeAt(clock.now()) })
    expect(factors.text).toContain('We’ll ask for it from your next sign-in on.')
    const apps = [...factors.html.matchAll(/name="remove_app" value="([^"]+)"/g)].map((match) => match[1] ?? '')
    expect(apps).toHaveLength(1)
    const removed = await factors.submitTwice({ remove_app: apps[0] ?? '' }, 'Remove')
    expect([removed.text.includes('Nothing is set up yet.'), removed.text.includes('isn’t possible')]).toEqual([
      true,
      false,
    ])
  })

  test('the link of "this wasn’t me", and the one for a new password that follows', async () => {
    const { username, browser, home } = await signedIn()
    await (await home.follow('Password')).submit({ current_password: goodPassword, password: newPassword })
    const linkIn = async (path: string): Promise<string> => {
      const find = async () => {
        const texts = (await server.mail()).filter(({ to }) => to === username).map(({ text }) => text)
        return texts.flatMap((text) => new RegExp(String.raw`https?:\S+/${path}\?\S+`).exec(text)?.[0] ?? [])[0]
      }
      await expect.poll(find).toBeDefined()
      return (await find()) ?? ''
    }
    const said = await (await browser.visit(await linkIn('notMe'))).submitTwice({})
    expect([said.status, said.heading]).toEqual([200, 'Everybody is signed out'])
    const form = await browser.visit(await linkIn('resetLink'))
    const done = await form.submitTwice({ password: 'Trajectory-1962' })
    expect([done.status, done.heading]).toEqual([200, 'Your new password is saved'])
    expect(await signInWith(username, 'Trajectory-1962')).toBe('Your account')
    // Another form is another matter: the link is used up.
    const other = await form.submit({ password: 'Another-Trajectory-1' })
    expect([other.status, other.heading]).toEqual([400, 'This link doesn’t work any more'])
  })

  test('what is saved anew after something else is saved', async () => {
    const { home, user } = await signedIn()
    const profile = await home.follow('Your details')
    for (const name of ['Ada', 'Grace', 'Ada']) await profile.submit({ given_name: name })
    const stored = await server.services.domain.store.users.findBySub(user.userPoolId, user.sub)
    expect(stored?.attributes['given_name']).toBe('Ada')
  })
})
