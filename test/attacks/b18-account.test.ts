import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { linkWaitingEvents } from '../../src/domain/audit/link-events.ts'
import { record } from '../../src/domain/audit/record.ts'
import { haveAccount } from '../support/accounts.ts'
import { appFrom, factorPoolId, factorPools } from '../support/factor-pools.ts'
import { movableClock } from '../support/movable-clock.ts'
import { startServer } from '../support/server.ts'
import type { TestServer } from '../support/server.ts'
import { createUserAgent } from '../support/user-agent.ts'
import type { UserAgent, VisitedPage } from '../support/user-agent.ts'
import { callback, goodPassword } from '../support/visitor.ts'

/*
 * B18, step-up with the wrong freshness (Pocket ID GHSA-hp74-gm6m-2qm5), and all that an account's pages bring with them:
 * whoever finds an open browser, or has stolen its cookie, changes nothing with it; a password alone is not enough once
 * there is a second factor; no form is another's, nor another page's; nobody reaches another's things by their ids; and the
 * request that signs somebody in to these pages gives no app anything. Guards src/hosted/account/open-account.ts,
 * src/domain/mfa/own-factors.ts and the request of src/oidc/authorization-request.ts.
 */

const passkeys = { WebAuthnConfiguration: { FactorConfiguration: 'MULTI_FACTOR_WITH_USER_VERIFICATION' } }
const clock = movableClock()
let server: TestServer
beforeAll(async () => {
  server = await startServer({ configuration: factorPools(passkeys), clock })
})
afterAll(() => server.stop())

const userPoolId = factorPoolId('optional')
const base = (): string => `${server.publicUrl}/${userPoolId}`
const stored = (sub: string) => server.services.domain.store.users.findBySub(userPoolId, sub)

let people = 0
const haveOwner = async () => {
  const username = `owner-${(people += 1)}@example.com`
  const user = await haveAccount(server, { username, password: goodPassword, userPoolId })
  return { username, sub: user.sub }
}
const signInTo = async (username: string, path = '', browser = createUserAgent(server.publicUrl)) => {
  const login = await browser.visit(`${base()}/account${path}`)
  return { browser, page: await login.submit({ username, password: goodPassword }) }
}
const post = (browser: UserAgent, path: string, fields: Record<string, string>): Promise<VisitedPage> =>
  browser.visit(`${base()}/account${path}?client_id=optional`, { method: 'POST', body: new URLSearchParams(fields) })

/** What each sensitive form would do, with all that its owner would fill in. */
const forms: Record<string, Record<string, string>> = {
  '/email': { email: 'thief@example.net' },
  '/phone': { phone_number: '+442079460958' },
  '/password': { current_password: goodPassword, password: 'Thief-Password-1' },
  '/factors': { enable: 'EMAIL_OTP' },
  '/app': { sealed: 'sealed', code: '123456' },
  '/recoveryCodes': {},
  '/passkeys': { credential: '{}' },
  '/data': {},
  '/delete': { confirm: 'delete' },
}

describe.each(Object.keys(forms))('the form of %s', (path) => {
  test('is not opened by a sign-in of ten minutes ago, whatever the address says', async () => {
    const { username } = await haveOwner()
    const { browser } = await signInTo(username)
    clock.pass(600)
    const asked = await browser.visit(`${base()}/account${path}`)
    expect(asked.heading).toBe('Sign in')
    const told = await browser.visit(`${base()}/account${path}?answer=signed_in`)
    expect([told.status, told.html.includes('name="_csrf"')]).toEqual([400, false])
  })

  test('left open for too long changes nothing', async () => {
    const { username, sub } = await haveOwner()
    const { browser, page } = await signInTo(username, path)
    const before = await stored(sub)
    const mail = await server.mail()
    clock.pass(901)
    const answer = await page.submit({ ...forms[path] })
    expect(answer.heading).toBe('Sign in')
    expect(await stored(sub)).toEqual(before)
    expect(await server.mail()).toEqual(mail)
    expect((await browser.visit(`${base()}/account`)).heading).toBe('Your account')
  })

  test('takes no token but its own', async () => {
    const { username, sub } = await haveOwner()
    const { browser, page } = await signInTo(username, path)
    const other = await haveOwner()
    const others = await signInTo(other.username, path)
    const anotherPage = await browser.visit(`${base()}/account${path === '/data' ? '/delete' : '/data'}`)
    const before = await stored(sub)
    const tokens = [undefined, '', 'A'.repeat(43), others.page.field('_csrf'), anotherPage.field('_csrf')]
    for (const token of tokens) {
      const refused = await post(browser, path, { ...forms[path], ...(token === undefined ? {} : { _csrf: token }) })
      expect([refused.status, refused.heading]).toEqual([403, 'This form is out of date'])
    }
    expect(await stored(sub)).toEqual(before)
    // Signed in anew, as somebody else or as the same: another session, and so another token.
    await browser.visit(`${base()}/logout?client_id=optional`)
    await signInTo(username, path, browser)
    expect((await post(browser, path, { ...forms[path], _csrf: page.field('_csrf') ?? '' })).status).toBe(403)
  })
})

test('a password alone does not open what the second factor guards, though it was typed a moment ago', async () => {
  const { username } = await haveOwner()
  const thief = await signInTo(username)
  expect(thief.page.heading).toBe('Your account')
  // The owner sets up a factor meanwhile.
  const owner = await signInTo(username, '/app')
  const app = appFrom(owner.page)
  const added = await owner.page.submit({ code: app.codeAt(clock.now()) })
  expect(added.heading).toBe('Two-step sign-in')
  clock.pass(30)
  for (const path of Object.keys(forms)) {
    const asked = await thief.browser.visit(`${base()}/account${path}`)
    expect(asked.heading, path).toBe('Sign in')
    const step = await asked.submit({ username, password: goodPassword })
    expect(step.heading, path).toBe('One more step')
  }
  expect((await owner.browser.visit(`${base()}/account/factors`)).heading).toBe('Two-step sign-in')
})

test('a wrong password on the page for a new one is a guess like any other', async () => {
  const { username, sub } = await haveOwner()
  const { page } = await signInTo(username, '/password')
  let last = page
  for (let guess = 0; guess < 6; guess += 1) {
    last = await page.submit({ current_password: `wrong-${guess}`, password: 'Thief-Password-1' })
  }
  expect([last.status, last.text.includes('Password attempts exceeded.')]).toEqual([429, true])
  const right = await page.submit({ current_password: goodPassword, password: 'Thief-Password-1' })
  expect(right.status).toBe(429)
  const before = await stored(sub)
  expect(before?.signedOutAt).toBeUndefined()
})

test('what is another’s stays as it is', async () => {
  const victim = await haveOwner()
  const theirs = await signInTo(victim.username)
  const setUp = await theirs.browser.visit(`${base()}/account/app`)
  const added = await setUp.submit({ code: appFrom(setUp).codeAt(clock.now()) })
  const theirApp = /name="remove_app" value="([^"]+)"/.exec(added.html)?.[1] ?? ''
  const { store } = server.services.domain
  const [session] = await store.browserSessions.ofUser(userPoolId, victim.sub, clock.now())
  const { username, sub } = await haveOwner()
  const thief = await signInTo(username, '/factors')
  const removed = await thief.page.submit({ remove_app: theirApp }, 'Use codes by email')
  expect(removed.status).toBe(200)
  // A page with one session has no form; two have.
  await signInTo(username)
  const sessions = await thief.browser.visit(`${base()}/account/sessions`)
  await sessions.submit({ end: session?.uid ?? '' }, 'Sign out')
  expect(await store.softwareTokens.ofUser(userPoolId, victim.sub)).toHaveLength(1)
  expect(theirApp).not.toBe('')
  expect(await store.browserSessions.ofUser(userPoolId, victim.sub, clock.now())).toHaveLength(1)
  expect(await store.softwareTokens.ofUser(userPoolId, sub)).toHaveLength(0)
})

test('the secret of an app that another user is about to set up is of no use', async () => {
  const victim = await haveOwner()
  const theirs = await signInTo(victim.username, '/app')
  const sealed = theirs.page.field('sealed') ?? ''
  const code = appFrom(theirs.page).codeAt(clock.now())
  const { username, sub } = await haveOwner()
  const thief = await signInTo(username, '/app')
  const answer = await thief.page.submit({ sealed, code })
  expect(answer.text).toContain('Please scan this new picture.')
  expect((await stored(sub))?.mfaTypes ?? []).toEqual([])
  // Half an hour later it is of no use to its owner either; nor is it twice.
  const added = await theirs.page.submit({ code })
  expect(added.heading).toBe('Two-step sign-in')
  expect((await theirs.page.submit({ code })).heading).toBe('Two-step sign-in')
  const { softwareTokens } = server.services.domain.store
  expect(await softwareTokens.ofUser(userPoolId, victim.sub)).toHaveLength(1)
})

describe('the request that signs somebody in to their account', () => {
  const account = 'urn:latchkey:account'
  const authorize = (browser: UserAgent, parameters: Record<string, string>): Promise<Response> =>
    browser.request(
      `${base()}/oauth2/authorize?${new URLSearchParams({ client_id: 'optional', ...parameters }).toString()}`,
    )

  test.each([
    ['a code', { response_type: 'code', redirect_uri: account }],
    ['a token', { response_type: 'token', redirect_uri: account }],
    ['nothing, without where', { response_type: '', redirect_uri: account }],
  ])('is not one for %s', async (_what, parameters) => {
    const answer = await authorize(createUserAgent(server.publicUrl), parameters)
    expect([answer.status, answer.headers.get('location')]).toEqual([400, null])
  })

  test('gives an app nothing', async () => {
    const answer = await authorize(createUserAgent(server.publicUrl), { response_type: 'none', redirect_uri: callback })
    expect(answer.headers.get('location')).toContain('error=unsupported_response_type')
  })

  test.each(['//evil.example', 'https://evil.example/', '../../evil', 'delete\r\nSet-Cookie: a=b', 'nowhere'])(
    'leads to a page of the account and nowhere else, with the state %j',
    async (state) => {
      const { username } = await haveOwner()
      const { browser } = await signInTo(username)
      const answer = await authorize(browser, { response_type: 'none', redirect_uri: account, state })
      const location = new URL(answer.headers.get('location') ?? '', base())
      expect([location.origin, location.pathname]).toEqual([server.publicUrl, `/${userPoolId}/account`])
      expect(location.searchParams.has('code')).toBe(false)
      expect(location.searchParams.get('answer')).toBe('signed_in')
      const page = await browser.visit(location.href)
      expect(page.heading).toBe('Your account')
    },
  )
})

test('the token of a page of somebody’s activity is theirs (row F4)', async () => {
  const owner = await haveOwner()
  const { browser } = await signInTo(owner.username)
  const domain = { ...server.services.domain, caller: { requestId: 'r', address: '192.0.2.1' } }
  const secret = { userPoolId, eventType: 'ForgotPassword', userSub: owner.sub } as const
  await record(domain, domain.store, ...Array.from({ length: 30 }, () => secret))
  await linkWaitingEvents(server.services.domain, { wait: true })
  const first = await browser.visit(`${base()}/account/activity`)
  expect(first.text.match(/Forgotten password/g)).toHaveLength(25)
  const older = await first.follow('Earlier')
  expect(older.text).toContain('Forgotten password')
  const thief = await signInTo((await haveOwner()).username)
  const refused = await thief.browser.visit(older.url.href)
  expect([refused.status, refused.text.includes('Forgotten password')]).toEqual([400, false])
})
