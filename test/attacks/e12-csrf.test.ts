import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startServer } from '../support/server.ts'
import type { TestServer } from '../support/server.ts'
import { createUserAgent } from '../support/user-agent.ts'
import type { UserAgent, VisitedPage } from '../support/user-agent.ts'
import { goodPassword, whereItIs } from '../support/visitor.ts'
import { callerAt, home } from './support/attacked-pool.ts'
import { stepPools, steps } from './support/steps.ts'
import type { Step } from './support/steps.ts'

/*
 * E12, forms that somebody else sends: a page of an attacker's posts our form from the victim's browser. Browsers keep the
 * cookie back (SameSite=Lax), except where they do not (an older one, a neighbouring sub-domain, a cookie younger than two
 * minutes), so every form has a token of its own as well, bound to the browser's handle and to the flow. Every form of
 * every page is tried, in the middle of its flow, with all that its owner would fill in. Guards src/security/csrf.ts,
 * src/hosted/open-step.ts and src/hosted/confirm/confirm-user.routes.ts. Three of the forms, and the way back from the
 * refusal: test/stories/odd-paths/page-order.test.ts.
 */

let server: TestServer
beforeAll(async () => {
  server = await startServer({ configuration: stepPools() })
})
afterAll(() => server.stop())

const post = (agent: UserAgent, { action }: Step, fields: Record<string, string>): Promise<VisitedPage> =>
  agent.visit(action, { method: 'POST', body: new URLSearchParams(fields) })

const everybodysForms = Object.keys(steps)

describe.each(everybodysForms)('the form of %s', (name) => {
  let step: Step
  let other: Step
  beforeAll(async () => {
    step = await steps[name]!(server)
    other = await steps[name]!(server)
  })

  const forged: Record<string, (token: string) => Record<string, string>> = {
    'no token': () => ({}),
    'an empty one': () => ({ _csrf: '' }),
    'one that is made up': () => ({ _csrf: 'A'.repeat(43) }),
    'one of another flow in another browser': () => ({ _csrf: other.hidden['_csrf'] ?? '' }),
    'its own, cut': (token) => ({ _csrf: token.slice(0, -1) }),
    'its own, and more': (token) => ({ _csrf: `${token}A` }),
    'its own, in other letters': (token) => ({ _csrf: token.toUpperCase() }),
    'its own, between spaces': (token) => ({ _csrf: ` ${token} ` }),
    'its own, under other names': (token) => ({ csrf: token, '_csrf[]': token, _CSRF: token }),
  }

  test.each(Object.keys(forged))('with %s is refused, and nothing has happened', async (what) => {
    const { _csrf = '', ...hidden } = step.hidden
    const before = await server.mail()
    const refused = await post(step.agent, step, { ...hidden, ...step.right, ...forged[what]!(_csrf) })
    expect([refused.status, refused.heading]).toEqual([403, 'This form is out of date'])
    expect(await server.mail()).toEqual(before)
  })

  test('with its token in the address or in a header only is refused', async () => {
    const { _csrf = '', ...hidden } = step.hidden
    const body = new URLSearchParams({ ...hidden, ...step.right })
    const query = `${step.action}&${new URLSearchParams({ _csrf, csrf: _csrf }).toString()}`
    const headers = { 'x-csrf-token': _csrf, 'x-xsrf-token': _csrf }
    const refused = await step.agent.visit(query, { method: 'POST', body, headers })
    expect([refused.status, refused.heading]).toEqual([403, 'This form is out of date'])
  })

  test('with its token, from a browser that sends no cookie, is refused', async () => {
    const { status, heading } = await post(createUserAgent(server.publicUrl), step, { ...step.hidden, ...step.right })
    expect([400, 403]).toContain(status)
    expect(heading).not.toBe(step.done)
  })

  test('with its token, from another browser of a user’s own, is refused', async () => {
    const { status, heading } = await post(other.agent, step, { ...step.hidden, ...step.right })
    expect([400, 403]).toContain(status)
    expect(heading).not.toBe(step.done)
  })

  test('by another method is refused', async () => {
    for (const method of ['PUT', 'PATCH', 'DELETE']) {
      const body = new URLSearchParams({ ...step.hidden, ...step.right })
      expect((await step.agent.visit(step.action, { method, body })).status).toBe(405)
    }
    // As a link: the page itself, at most.
    const link = `${step.action}&${new URLSearchParams({ ...step.hidden, ...step.right }).toString()}`
    expect(whereItIs(await step.agent.visit(link))).not.toBe('the app')
  })

  test('as its owner sends it does what it is for', async () => {
    expect(whereItIs(await post(step.agent, step, { ...step.hidden, ...step.right }))).toBe(step.done)
  })
})

describe('what has no form of its own', () => {
  test('a language chosen by a stranger’s link changes the language, and nothing else', async () => {
    const { agent, page } = await callerAt(server.publicUrl)
    const before = [...agent.cookies.keys()]
    const german = await agent.visit(`${page.url.href}&lang=de`)
    expect(german.heading).not.toBe(page.heading)
    expect([...agent.cookies.keys()].filter((name) => !before.includes(name))).toEqual(['lang'])
    expect(agent.cookies.get('lang')).toBe('de')
    for (const lang of ['de; Domain=evil.example', 'x\r\nSet-Cookie: a=b', '../../en', 'constructor', '<b>']) {
      const answer = await agent.request(`${page.url.href}&lang=${encodeURIComponent(lang)}`)
      expect(answer.status).toBe(200)
      for (const line of answer.headers.getSetCookie()) {
        expect(line).toMatch(/^lang=[A-Za-z0-9-]+; Path=\/; Max-Age=\d+; HttpOnly; SameSite=Lax$/)
      }
    }
  })

  test('signing out by a stranger’s link ends a session, and leads to nobody but the app', async () => {
    const { agent, page } = await callerAt(server.publicUrl)
    const step = await steps['login']!(server)
    await page.submit({ username: step.right['username'] ?? '', password: goodPassword })
    for (const logout_uri of ['https://evil.example/', `${home}../evil`, '//evil.example', 'javascript:alert(1)']) {
      const query = new URLSearchParams({ client_id: 'email', logout_uri }).toString()
      const refused = await agent.request(`${server.publicUrl}/logout?${query}`)
      expect([refused.status, refused.headers.get('location')]).toEqual([400, null])
    }
    // Refused as a whole: it has not been half done.
    expect(whereItIs((await callerAt(server.publicUrl, {}, agent)).page)).toBe('the app')
    // Everywhere, only with an ID token of whoever is signed in here.
    for (const hint of [{}, { id_token_hint: 'x.y.z' }]) {
      const query = new URLSearchParams({ client_id: 'email', global_sign_out: 'true', ...hint }).toString()
      expect((await agent.request(`${server.publicUrl}/logout?${query}`)).status).toBe(400)
    }
    expect(whereItIs((await callerAt(server.publicUrl, {}, agent)).page)).toBe('the app')
  })
})
