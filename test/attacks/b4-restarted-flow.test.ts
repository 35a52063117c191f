import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { haveAccount } from '../support/accounts.ts'
import { movableClock } from '../support/movable-clock.ts'
import { decode } from '../support/relying-party.ts'
import type { TestServer } from '../support/server.ts'
import { createUserAgent } from '../support/user-agent.ts'
import type { UserAgent, VisitedPage } from '../support/user-agent.ts'
import { callback, goodPassword, whereItIs } from '../support/visitor.ts'
import { callerAt, redeem, signIn, startAttackedServer } from './support/attacked-pool.ts'
import type { Caller } from './support/attacked-pool.ts'

/*
 * B4, the flow that forgets what it asked for: Keycloak CVE-2026-94218, where a visit to `/login-actions/restart` dropped
 * the second factor, and CVE-2026-7507, where the attacker had begun the flow and the victim's single sign-on finished it.
 * Here a flow that is begun anew is the same authorization request again, with all its conditions; what a flow still owes
 * (a new password, a consent, a code, a fresh sign-in) is in its row and not in an address; and a flow belongs to the browser
 * that began it, as its engine's half does. Guards src/oidc/interaction.ts (`findFlow`, `requestUrl`), src/hosted/open-step.ts
 * and src/oidc/finish-flow.ts. Lost and finished flows, as their owners meet them: test/stories/odd-paths.
 */

const clock = movableClock()
let server: TestServer
beforeAll(async () => {
  server = await startAttackedServer({ clock })
  await haveAccount(server, { username: 'ada@example.com', password: goodPassword })
  for (const name of ['temp', 'temp-two']) {
    await haveAccount(server, { username: `${name}@example.com`, password: goodPassword, temporary: true })
  }
})
afterAll(() => server.stop())

const begin = (parameters: Record<string, string> = {}, agent?: UserAgent): Promise<Caller> =>
  callerAt(server.publicUrl, parameters, agent)
const at = (page: VisitedPage, path: string, more = ''): string => `${path}?${page.url.searchParams.toString()}${more}`
const resumeOf = (agent: UserAgent): string =>
  `/oauth2/authorize/${[...agent.cookies].find(([name]) => name.includes('interaction'))?.[1] ?? 'none'}`
const isIn = (page: VisitedPage): boolean => whereItIs(page) === 'the app'

describe('what a flow still owes', () => {
  /** Ways by which people get back to a beginning. */
  const restarts: Record<string, (caller: Caller, page: VisitedPage) => Promise<VisitedPage>> = {
    'the sign-in page of the flow': ({ agent }, page) => agent.visit(at(page, '/login')),
    'the sign-up page of the flow': ({ agent }, page) => agent.visit(at(page, '/signup')),
    'forgot password, and back': async ({ agent }, page) => {
      await agent.visit(at(page, '/forgotPassword'))
      return agent.visit(at(page, '/login'))
    },
    'the engine’s own address': ({ agent }) => agent.visit(resumeOf(agent)),
    'the request once more': ({ agent, request }) => agent.visit(request.url),
    'the request once more, in silence': ({ agent, request }) => agent.visit(`${request.url}&prompt=none`),
    'a deep link': ({ agent, request }) => agent.visit(request.url.replace('/oauth2/authorize', '/login')),
    'another language': async ({ agent }, page) => {
      const german = await agent.visit(`${page.url.href}&lang=de`)
      agent.cookies.delete('lang')
      return german
    },
    'signing out': async ({ agent, request }) => {
      await agent.visit('/logout?client_id=email')
      return agent.visit(request.url)
    },
    'an account to choose': async ({ agent, request }, page) => {
      await agent.visit(at(page, '/selectAccount'))
      return agent.visit(`${request.url}&prompt=select_account`)
    },
  }

  test.each(Object.keys(restarts))('a new password for the temporary one, whatever is opened: %s', async (how) => {
    const caller = await begin()
    const page = await signIn(caller.page, 'temp@example.com')
    expect(page.heading).toBe('Choose your own password')
    expect(isIn(await restarts[how]!(caller, page))).toBe(false)
    expect(isIn(await caller.agent.visit(resumeOf(caller.agent)))).toBe(false)
    expect(whereItIs((await begin({ prompt: 'none' }, caller.agent)).page)).toBe('the app: login_required')
    // Signed in once more, it is asked for once more.
    const again = await begin({}, caller.agent)
    expect((await signIn(again.page, 'temp@example.com')).heading).toBe('Choose your own password')
  })

  test.each(Object.keys(restarts))('the consent of a third party’s app, whatever is opened: %s', async (how) => {
    const caller = await begin({ client_id: 'partner' })
    const page = await signIn(caller.page, 'ada@example.com')
    expect(page.heading).toBe('Allow access to your account?')
    expect(isIn(await restarts[how]!(caller, page))).toBe(false)
    expect(isIn(await caller.agent.visit(resumeOf(caller.agent)))).toBe(false)
    const silent = await begin({ client_id: 'partner', prompt: 'none' }, caller.agent)
    expect(whereItIs(silent.page)).toMatch(/^the app: (login|consent|interaction)_required$/)
  })

  test.each(Object.keys(restarts))('the code of a sign-up, whatever is opened: %s', async (how) => {
    const caller = await begin()
    const form = await caller.page.follow('Create an account')
    const username = `new-${Object.keys(restarts).indexOf(how)}@example.com`
    const page = await form.submit({ username, password: goodPassword })
    expect(isIn(await restarts[how]!(caller, page))).toBe(false)
    const again = await begin({}, caller.agent)
    expect((await signIn(again.page, username)).heading).toBe('Check your messages')
  })

  test('a new password chosen in one flow is not one chosen in another', async () => {
    const one = await begin()
    const two = await begin()
    const asked = await signIn(one.page, 'temp-two@example.com')
    await signIn(two.page, 'temp-two@example.com')
    expect(isIn(await asked.submit({ password: 'Trajectory-1962' }))).toBe(true)
    // The other one's proof was the temporary password, which is no more.
    const late = await two.agent.visit(at(two.page, '/changePassword'))
    expect(isIn(await late.submit({ password: 'Somebody-else-1' }))).toBe(false)
    expect(isIn(await signIn((await begin()).page, 'temp-two@example.com', 'Trajectory-1962'))).toBe(true)
  })
})

describe('a request for a fresh sign-in', () => {
  test.each([{ prompt: 'login' }, { max_age: '0' }, { max_age: '5' }])(
    'keeps asking, however it is begun anew: %j',
    async (parameters) => {
      const { agent, page } = await begin()
      expect(isIn(await signIn(page, 'ada@example.com'))).toBe(true)
      clock.pass(10)
      const again = await begin(parameters, agent)
      expect(again.page.heading).toBe('Sign in')
      for (const url of [again.request.url, at(again.page, '/login'), resumeOf(agent), again.page.url.href]) {
        expect([url, isIn(await agent.visit(url))]).toEqual([url, false])
      }
      // Nor is the session of before offered in its place.
      expect(isIn(await agent.visit(at(again.page, '/selectAccount')))).toBe(false)
      const hidden = { flow: again.page.field('flow') ?? '', _csrf: again.page.field('_csrf') ?? '' }
      const chosen = await agent.visit('/selectAccount', { method: 'POST', body: new URLSearchParams(hidden) })
      expect(isIn(chosen)).toBe(false)
      // Left open overnight, the page offers the same request: the condition is still there.
      clock.pass(3601)
      const expired = await agent.visit(again.page.url.href)
      const anew = await expired.follow('Start again')
      expect(anew.heading).toBe('Sign in')
      expect(isIn(await signIn(anew, 'ada@example.com'))).toBe(true)
    },
  )

  test('says truly when it was: a step up is not a session of yesterday', async () => {
    const caller = await begin()
    await signIn(caller.page, 'ada@example.com')
    clock.pass(1800)
    const again = await begin({ prompt: 'login' }, caller.agent)
    const app = await signIn(again.page, 'ada@example.com')
    const { body } = await redeem(server.publicUrl, again, app)
    const { auth_time: authTime, iat } = decode(body.id_token)
    expect(Number(iat) - Number(authTime)).toBeLessThan(60)
  })
})

describe('a flow that somebody else has begun', () => {
  test('is not finished by the victim’s session, by none of its addresses', async () => {
    const victim = await begin()
    expect(isIn(await signIn(victim.page, 'ada@example.com'))).toBe(true)
    const attacker = await begin({ prompt: 'login' })
    const lures = [
      attacker.page.url.href,
      ...['/selectAccount', '/consent', '/confirm', '/changePassword', '/resetPassword'].map((path) =>
        at(attacker.page, path),
      ),
      resumeOf(attacker.agent),
      `${resumeOf(attacker.agent)}?client_id=email`,
      `${attacker.page.url.href}&cookie=sent`,
    ]
    for (const lure of lures) {
      const page = await victim.agent.visit(lure)
      expect([lure, isIn(page), page.status >= 400]).toEqual([lure, false, true])
      expect(isIn(await attacker.agent.visit(resumeOf(attacker.agent)))).toBe(false)
    }
  })

  test('takes no password of the victim’s, and gives the attacker nothing', async () => {
    const attacker = await begin()
    const victim = createUserAgent(server.publicUrl)
    const lured = await victim.visit(attacker.page.url.href)
    expect(lured.field('password')).toBeUndefined()
    const hidden = { flow: attacker.page.field('flow') ?? '', _csrf: attacker.page.field('_csrf') ?? '' }
    const body = new URLSearchParams({ ...hidden, username: 'ada@example.com', password: goodPassword })
    expect(isIn(await victim.visit('/login', { method: 'POST', body }))).toBe(false)
    expect(isIn(await attacker.agent.visit(resumeOf(attacker.agent)))).toBe(false)
  })

  test('does not end in the attacker’s browser when its own half is finished in another', async () => {
    const one = await begin()
    const two = await begin()
    // The engine's cookie of the one in the browser of the other: each still has but its own flow.
    const [name, value] = [...one.agent.cookies].find(([cookie]) => cookie.includes('interaction')) ?? ['', '']
    two.agent.cookies.set(name, value)
    const app = await signIn(two.page, 'ada@example.com')
    if (isIn(app)) expect(app.url.searchParams.get('state')).toBe(two.request.state)
    expect(isIn(await one.agent.visit(resumeOf(one.agent)))).toBe(false)
  })

  test('goes to its own app with its own state, also where two are open in one browser', async () => {
    const one = await begin({ state: 'first' })
    const two = await begin({ state: 'second' }, one.agent)
    const app = await signIn(two.page, 'ada@example.com')
    expect(`${app.url.origin}${app.url.pathname}`).toBe(callback)
    expect(app.url.searchParams.get('state')).toBe('second')
    const other = await signIn(one.page, 'ada@example.com')
    if (isIn(other)) expect(other.url.searchParams.get('state')).toBe('first')
  })
})
