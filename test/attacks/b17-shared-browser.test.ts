import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { disableUser, enableUser, findUser } from '../../src/domain/users/administer-user.ts'
import { cookieName } from '../../src/security/cookies.ts'
import { haveAccount, userPoolOf } from '../support/accounts.ts'
import { movableClock } from '../support/movable-clock.ts'
import { decode } from '../support/relying-party.ts'
import { startServer } from '../support/server.ts'
import type { TestServer } from '../support/server.ts'
import { createUserAgent } from '../support/user-agent.ts'
import type { UserAgent, VisitedPage } from '../support/user-agent.ts'
import { goodPassword, whereItIs } from '../support/visitor.ts'
import { attackedPool, callerAt, home, poolId, redeem, signIn } from './support/attacked-pool.ts'
import type { Caller } from './support/attacked-pool.ts'

/*
 * B17, the browser in the library: Keycloak CVE-2025-12390 used an authentication session's id again after a sign-out that
 * was not complete, and the next person was in as the one before. Two people take turns at one browser, with sign-outs that
 * are whole, half, refused and forgotten, with pages left open and the back button: whoever signs in is who the app is told
 * of, and what one leaves behind serves the other for nothing. Guards src/oidc/finish-flow.ts (`dropOtherUsersSession`),
 * src/hosted/logout/logout.routes.ts, src/oidc/adapter.ts and src/oidc/engine-internals.ts (`keepSessionUse`). Whose session
 * an app may use, and for how long: test/conformance/session-lifetimes, sign-out-matrix.
 */

const clock = movableClock()
let server: TestServer
beforeAll(async () => {
  server = await startServer({
    configuration: JSON.stringify({ UserPools: [attackedPool({ RememberMe: { MaxValidityMinutes: 43_200 } })] }),
    clock,
  })
  for (const name of ['ann', 'bob']) {
    await haveAccount(server, { username: `${name}@example.com`, password: goodPassword })
  }
  await haveAccount(server, { username: 'temp@example.com', password: goodPassword, temporary: true })
})
afterAll(() => server.stop())

const ann = 'ann@example.com'
const bob = 'bob@example.com'
const sessionCookie = cookieName('session', poolId, false)
const begin = (agent: UserAgent, parameters: Record<string, string> = {}): Promise<Caller> =>
  callerAt(server.publicUrl, parameters, agent)
const library = (): UserAgent => createUserAgent(server.publicUrl)

/** Who the app is told that it is. */
async function whoGetsIn(caller: Caller, page: VisitedPage): Promise<string> {
  expect(whereItIs(page)).toBe('the app')
  expect(page.url.searchParams.get('state')).toBe(caller.request.state)
  const { body } = await redeem(server.publicUrl, caller, page)
  return String(decode(body.id_token)['email'])
}
/** Who is in, of those who are in already. */
async function whoIsIn(agent: UserAgent): Promise<string> {
  const caller = await begin(agent, { prompt: 'none' })
  return whereItIs(caller.page) === 'the app' ? whoGetsIn(caller, caller.page) : whereItIs(caller.page)
}

describe('after a sign-out that is', () => {
  const signOuts: Record<string, (agent: UserAgent) => Promise<unknown>> = {
    whole: (agent) => agent.visit(`/logout?client_id=email&logout_uri=${encodeURIComponent(home)}`),
    'whole, without a way back': (agent) => agent.visit('/logout'),
    'by form': (agent) => agent.visit('/logout', { method: 'POST', body: new URLSearchParams({ client_id: 'email' }) }),
    'twice over': async (agent) => {
      await agent.visit('/logout?client_id=email')
      await agent.visit('/logout?client_id=email')
    },
    'followed by a sign-in for the next': (agent) =>
      agent.visit(
        `/logout?${new URLSearchParams({ client_id: 'email', redirect_uri: 'https://app.example/callback', response_type: 'code' }).toString()}`,
      ),
  }
  test.each(Object.keys(signOuts))('%s, nobody is in, and the next one is who they are', async (how) => {
    const agent = library()
    const first = await begin(agent)
    expect(await whoGetsIn(first, await signIn(first.page, ann))).toBe(ann)
    const old = agent.cookies.get(sessionCookie) ?? ''
    await signOuts[how]!(agent)
    expect(await whoIsIn(agent)).toBe('the app: login_required')
    const second = await begin(agent)
    expect(second.page.field('username')).toBe('')
    expect(second.page.html).not.toContain('ann@')
    expect(await whoGetsIn(second, await signIn(second.page, bob))).toBe(bob)
    expect(agent.cookies.get(sessionCookie)).not.toBe(old)
    // The cookie that somebody has copied meanwhile is worth nothing, and does not become the next one's.
    const thief = library()
    thief.cookies.set(sessionCookie, old)
    expect(await whoIsIn(thief)).toBe('the app: login_required')
  })

  test('refused, whoever was in is still in, and not half', async () => {
    const agent = library()
    const first = await begin(agent)
    await signIn(first.page, ann)
    const before = agent.cookies.get(sessionCookie)
    for (const query of [
      'logout_uri=https://evil.example/&client_id=email',
      'client_id=nobody',
      'id_token_hint=x',
      'client_id=a&client_id=b',
    ]) {
      expect((await agent.visit(`/logout?${query}`)).status).toBe(400)
    }
    expect(agent.cookies.get(sessionCookie)).toBe(before)
    expect(await whoIsIn(agent)).toBe(ann)
  })
})

describe('without a sign-out', () => {
  test('the next one signs in over the first, who is out: everywhere in this browser', async () => {
    const agent = library()
    const first = await begin(agent)
    await signIn(first.page, ann)
    const old = agent.cookies.get(sessionCookie) ?? ''
    const second = await begin(agent, { prompt: 'login' })
    expect(await whoGetsIn(second, await signIn(second.page, bob))).toBe(bob)
    expect(await whoIsIn(agent)).toBe(bob)
    const thief = library()
    thief.cookies.set(sessionCookie, old)
    expect(await whoIsIn(thief)).toBe('the app: login_required')
  })

  test('a page of the first that is still open does not make the second one them', async () => {
    const agent = library()
    const open = await begin(agent)
    const forgotten = await open.page.follow('Forgot your password?')
    const second = await begin(agent)
    expect(await whoGetsIn(second, await signIn(second.page, bob))).toBe(bob)
    // The first one's form, sent now with nothing but what stands in it.
    expect(whereItIs(await open.page.submit({ username: ann, password: '' }))).not.toMatch(/^the app/)
    expect((await forgotten.submit({ username: ann })).heading).toBe('Choose a new password')
    expect(await whoIsIn(agent)).toBe(bob)
  })

  test('an account chosen on a page of before is the one that was shown, or none', async () => {
    const agent = library()
    await signIn((await begin(agent)).page, ann)
    const choosing = await begin(agent, { prompt: 'select_account' })
    expect(choosing.page.text).toContain(ann)
    const other = await begin(agent, { prompt: 'login' })
    expect(await whoGetsIn(other, await signIn(other.page, bob))).toBe(bob)
    // The page still says ann; the session is bob's. Neither is quietly taken for the other.
    const pressed = await choosing.page.submit({})
    if (whereItIs(pressed) === 'the app') expect(await whoGetsIn(choosing, pressed)).toBe(ann)
    else expect(pressed.heading).toBe('Sign in')
    expect(await whoIsIn(agent)).not.toBe(ann)
  })

  test('the back button leads the second to no page of the first', async () => {
    const agent = library()
    const first = await begin(agent)
    await signIn(first.page, ann)
    await agent.visit('/logout?client_id=email')
    const second = await begin(agent)
    await signIn(second.page, bob)
    // Every address of the first one's visit, once more.
    for (const url of [
      first.page.url.href,
      `${first.page.url.href}&lang=en`,
      first.page.url.href.replace('/login', '/signup'),
    ]) {
      const page = await agent.visit(url)
      expect(page.html).not.toContain('ann@')
      expect(whereItIs(page)).not.toBe('the app')
    }
    expect(await whoIsIn(agent)).toBe(bob)
  })

  test('a wish of the first, to stay signed in, is not the second one’s', async () => {
    const agent = library()
    const first = await begin(agent)
    await first.page.submit({ username: ann, password: goodPassword, rememberMe: '1' })
    await agent.visit('/logout?client_id=email')
    const second = await begin(agent)
    expect(second.page.html).not.toMatch(/name="rememberMe"[^>]*checked/)
    expect(await whoGetsIn(second, await signIn(second.page, bob))).toBe(bob)
    // Theirs ends with the day, as a session does that nobody asked to keep.
    clock.pass(2 * 86_400)
    expect(await whoIsIn(agent)).toBe('the app: login_required')
  })

  test('half a sign-in of the first is nothing of the second one’s', async () => {
    const agent = library()
    const half = await begin(agent)
    const page = await signIn(half.page, 'temp@example.com')
    expect(page.heading).toBe('Choose your own password')
    const second = await begin(agent)
    expect(await whoGetsIn(second, await signIn(second.page, bob))).toBe(bob)
    // The first one comes back to the page that was left open: it is still theirs, and makes them no bob.
    const app = await page.submit({ password: 'Trajectory-1962' })
    if (whereItIs(app) === 'the app') expect(await whoGetsIn(half, app)).toBe('temp@example.com')
    expect(await whoIsIn(agent)).not.toBe(ann)
  })
})

test('an account that is switched off and on again has no session of before', async () => {
  const agent = library()
  const first = await begin(agent)
  await signIn(first.page, ann)
  const user = (await findUser(server.services.domain, userPoolOf(server), ann))!
  await disableUser(server.services.domain, user)
  expect(await whoIsIn(agent)).toBe('the app: login_required')
  await enableUser(server.services.domain, user)
  expect(await whoIsIn(agent)).toBe('the app: login_required')
})
