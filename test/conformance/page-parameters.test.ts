import { load } from 'cheerio'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createUser } from '../../src/domain/users/administer-user.ts'
import { authorizationRequest, requestTokens } from '../support/relying-party.ts'
import { databaseKinds } from '../support/server.ts'
import { createUserAgent } from '../support/user-agent.ts'
import type { UserAgent, VisitedPage } from '../support/user-agent.ts'
import { ana, callback, codeForm, password, startPool } from './pool.ts'
import type { ConformancePool } from './pool.ts'

/*
 * Every page, by its address and by its form, with parameters good, missing, twice, huge and hostile. Whatever comes,
 * there is a page that says what to do, never a failure of ours.
 */

const pages = [
  '/login',
  '/signup',
  '/forgotPassword',
  '/confirm',
  '/confirmUser',
  '/selectAccount',
  '/consent',
  '/resendcode',
  '/confirmforgotPassword',
  '/resetPassword',
  '/changePassword',
  '/logout',
  '/error',
]

const hostile: Readonly<Record<string, string>> = {
  nothing: '',
  blanks: '   ',
  'a zero byte': 'a\0b',
  'line breaks': 'a\r\nSet-Cookie: stolen=1\r\n\r\n',
  markup: '"><script>alert(1)</script>',
  'a template': '{{ constructor }}{% assign x = 1 %}',
  'an address elsewhere': 'https://evil.example/',
  'an address without scheme': '//evil.example/\\@x',
  script: 'javascript:alert(1)',
  'percent signs': '%00%0d%0a%252e%',
  SQL: "' OR 1=1; --",
  'other letters': '\u202e\u{1F600}é\u0301ﬀ\u2028\ufeff',
  'half a letter': '\ud800',
  'a name of objects': '__proto__',
  'another one of objects': 'constructor',
  'a number': '-1e999',
  'a long text': 'x'.repeat(7000),
}

const ofLinks = ['user_name', 'confirmation_code', 'choose']
/** Read by one page or another, with a flow or without one; and those that go with them. */
const names = ['flow', 'client_id', 'notice', 'error', 'redirect_uri', 'logout_uri', 'id_token_hint']
const more = ['lang', 'state', 'response_type', 'post_logout_redirect_uri', 'ui_locales', 'x', ...ofLinks]
const fields = [
  'username',
  'password',
  'code',
  '_csrf',
  'flow',
  'email',
  'action',
  'resend',
  'lang',
  'cognitoAsfData',
  'answer',
  ...ofLinks,
  'x',
]

// On PostgreSQL alone: nothing here differs between the two, and it takes long.
describe.each(databaseKinds.slice(1))('on %s', (database) => {
  let pool: ConformancePool
  beforeAll(async () => {
    pool = await startPool({ database })
  })
  afterAll(() => pool.stop())

  /** A page with a heading, and a way on: a form, a link, or words that say where to go. */
  async function expectGuidance(response: Response, what: unknown): Promise<void> {
    expect([what, response.status < 500, response.headers.getSetCookie().join().includes('stolen')]).toEqual([
      what,
      true,
      false,
    ])
    const location = response.headers.get('location')
    if (location !== null) {
      expect([what, location]).toEqual([what, expect.stringMatching(/^(\/(?![/\\])|https:\/\/app\.example\.com\/)/)])
      return
    }
    expect([what, response.headers.get('content-type')]).toEqual([what, 'text/html; charset=utf-8'])
    expect([what, response.headers.get('cache-control')]).toEqual([what, 'no-store'])
    expect([what, response.headers.get('content-security-policy')]).toEqual([
      what,
      expect.stringContaining("default-src 'none'"),
    ])
    const html = await response.text()
    const $ = load(html)
    expect([what, html.includes('<script>alert')]).toEqual([what, false])
    expect([what, $('h1').text().trim()]).not.toEqual([what, ''])
    expect([what, $('main form, main a.button').length > 0 || $('p.intro').text().length > 30]).toEqual([what, true])
  }

  const request = () => authorizationRequest(pool.base, { client_id: 'app', redirect_uri: callback })

  /** A browser at the sign-in page, in the middle of a flow of its own. */
  async function begin(): Promise<{ agent: UserAgent; login: VisitedPage; flow: string; csrf: string }> {
    const agent = createUserAgent(pool.base)
    const login = await agent.visit(request().url)
    return { agent, login, flow: login.field('flow') ?? '', csrf: login.field('_csrf') ?? '' }
  }

  describe.each(pages)('%s', (path) => {
    test('without anything, with a flow that is none, and with one that is', async () => {
      const { agent, flow } = await begin()
      for (const query of ['', '?', '?flow=', '?flow=x', '?client_id=app', '?client_id=app&flow=x', `?flow=${flow}`]) {
        await expectGuidance(await agent.request(pool.base + path + query), query)
      }
    })

    test('with parameters that are sent twice', async () => {
      const { agent, flow } = await begin()
      for (const name of [...names, ...more]) {
        for (const query of [`${name}=a&${name}=b`, `flow=${flow}&${name}=a&${name}=b`, `client_id=app&${name}[]=x`]) {
          await expectGuidance(await agent.request(`${pool.base}${path}?${query}`), query)
        }
      }
    })

    test.each(Object.entries(hostile))('with %s in its address', async (_what, value) => {
      const { agent, flow } = await begin()
      for (const name of [...names, ...more]) {
        for (const rest of [{ client_id: 'app', flow }, ...(more.includes(name) ? [] : [{ client_id: 'app' }])]) {
          const query = new URLSearchParams({ ...rest, [name]: value }).toString()
          await expectGuidance(await agent.request(`${pool.base}${path}?${query}`), [name, rest])
        }
      }
    })

    test('with bytes that are no text', async () => {
      const { agent, flow } = await begin()
      for (const bytes of ['%ff', '%c0%ae', '%ed%a0%80', '%', '%zz', '%u0041', '+', '&&&', '=', ';']) {
        for (const query of [`flow=${bytes}`, `flow=${flow}&lang=${bytes}`, `client_id=${bytes}`, bytes]) {
          await expectGuidance(await agent.request(`${pool.base}${path}?${query}`), query)
        }
      }
    })

    test.each(Object.entries(hostile))('with %s in its form', async (_what, value) => {
      const { agent, flow, csrf } = await begin()
      for (const name of fields) {
        for (const rest of [{ flow, _csrf: csrf }, ...(name === 'flow' ? [{}] : [])]) {
          const response = await agent.request(`${pool.base}${path}?client_id=app`, {
            method: 'POST',
            body: new URLSearchParams({ ...rest, [name]: value }),
          })
          await expectGuidance(response, [name, Object.keys(rest)])
        }
      }
    })

    test('with a form that is repeated, huge, or no form', async () => {
      const { agent, flow, csrf } = await begin()
      const send = (body: string, type = 'application/x-www-form-urlencoded') =>
        agent.request(pool.base + path, { method: 'POST', body, headers: { 'content-type': type } })
      const good = `flow=${flow}&_csrf=${csrf}`
      for (const body of ['', '&&&', `${good}&flow=x`, `${good}&username=a&username=b`, `${good}&x=%ff%c0%ae`]) {
        await expectGuidance(await send(body), body)
      }
      for (const size of [30_000, 60_000, 100_000]) {
        await expectGuidance(await send(`${good}&username=${'x'.repeat(size)}`), size)
      }
      for (const type of ['application/json', 'text/plain', 'multipart/form-data; boundary=x', '']) {
        await expectGuidance(await send(good, type), type)
      }
    })

    test('by other methods', async () => {
      for (const method of ['PUT', 'DELETE', 'PATCH', 'OPTIONS', 'HEAD']) {
        const response = await fetch(pool.base + path, { method, redirect: 'manual' })
        expect([method, response.status < 500]).toEqual([method, true])
      }
    })
  })

  /** Pages that are due only in the middle of a flow, with what people and scripts may type there. */
  describe('a form in the middle of a flow', () => {
    async function atConfirm(): Promise<{ agent: UserAgent; page: VisitedPage }> {
      const { agent, login } = await begin()
      const signUp = await login.follow('Create an account')
      const username = `new${crypto.randomUUID()}`
      const filled = { username, password, email: `${username}@example.org` }
      const page = await signUp.submit(filled)
      return { agent, page }
    }

    test.each(Object.entries(hostile))('%s as a user name at sign-up and at reset', async (what, value) => {
      const { agent, login, flow, csrf } = await begin()
      const base = { flow, _csrf: csrf }
      for (const body of [
        { ...base, username: value, password },
        { ...base, username: 'somebody', password: value },
        { ...base, username: 'somebody', password, email: value, phone_number: value, given_name: value },
      ]) {
        const response = await agent.request(`${pool.base}/signup`, { method: 'POST', body: new URLSearchParams(body) })
        await expectGuidance(response, [what, Object.keys(body)])
      }
      const reset = await (await login.follow('Forgot your password?')).submit({ username: value })
      expect([what, reset.status < 500, reset.heading]).not.toEqual([what, true, ''])
      if (reset.heading !== 'Choose a new password') return
      for (const fields of [
        { code: value, password },
        { code: '000000', password: value },
        { code: value, password: value },
      ]) {
        const page = await reset.submit(fields)
        expect([what, page.status < 500]).toEqual([what, true])
        expect(page.heading).not.toBe('')
      }
    })

    test('hostile codes and forced new passwords', async () => {
      const { page } = await atConfirm()
      const { userPool } = await pool.snapshot()
      await createUser(pool.domain, { userPool, username: `t${database}`, attributes: {}, password, permanent: false })
      const forced = await (await begin()).login.submit({ username: `t${database}`, password })
      expect(forced.url.pathname).toBe('/changePassword')
      for (const [what, value] of Object.entries(hostile)) {
        if (page.url.pathname === '/confirm') {
          const answer = await page.submit({ code: value })
          expect([what, answer.status < 500, answer.heading === '']).toEqual([what, true, false])
        }
        const answer = await forced.submit({ password: value.slice(0, 5) })
        expect([what, answer.status < 500, answer.heading]).toEqual([what, true, 'Choose your own password'])
      }
    })
  })

  /** Unofficial clients read Cognito's form out of the page and send its four fields (reference: hosted UI §4). */
  describe('a client that scrapes the form of Cognito', () => {
    const scraped = (csrf: string, more: Record<string, string> = {}) =>
      new URLSearchParams({ _csrf: csrf, username: ana.Username, password, cognitoAsfData: '', ...more })

    test('finds its form and its fields on the page', async () => {
      const { login } = await begin()
      const form = load(login.html)('form[name="cognitoSignInForm"]')
      expect(form.length).toBe(1)
      expect(form.find('#signInFormUsername').attr('name')).toBe('username')
      expect(form.find('#signInFormPassword').attr('name')).toBe('password')
      expect(form.find('[name="signInSubmitButton"]').length).toBe(1)
    })

    test.each(['the form’s address', 'the page’s address'])('posts to %s and gets its code', async (where) => {
      const agent = createUserAgent(pool.base)
      const asked = request()
      const login = await agent.visit(asked.url)
      const action = load(login.html)('form').attr('action') ?? ''
      const target = where === 'the page’s address' ? login.url.href : new URL(action, login.url).href
      const answer = await agent.visit(target, { method: 'POST', body: scraped(login.field('_csrf') ?? '') })
      expect(answer.url.origin + answer.url.pathname).toBe(callback)
      expect((await requestTokens(pool.base, codeForm(answer.url, asked))).status).toBe(200)
    })

    test('sees the page again, with a message, after a wrong password', async () => {
      const { agent, login, csrf } = await begin()
      const body = scraped(csrf, { password: 'wrong', signInSubmitButton: 'Sign in' })
      const answer = await agent.visit(login.url.href, { method: 'POST', body })
      expect([answer.status, answer.heading]).toEqual([200, 'Sign in'])
      expect(answer.text).toContain('Incorrect username or password.')
    })

    test('still needs the token of this very flow and browser', async () => {
      const first = await begin()
      const second = await begin()
      for (const csrf of ['', 'x', second.csrf]) {
        const answer = await first.agent.visit(first.login.url.href, { method: 'POST', body: scraped(csrf) })
        expect([csrf, answer.status, answer.heading]).toEqual([csrf, 403, 'This form is out of date'])
      }
      const elsewhere = await second.agent.visit(first.login.url.href, { method: 'POST', body: scraped(first.csrf) })
      expect(elsewhere.heading).toBe('This was begun in another browser')
    })

    test('the flow of the form counts where the address names another', async () => {
      const { agent, flow, csrf } = await begin()
      const target = `${pool.base}/login?client_id=app&flow=${(await begin()).flow}`
      const answer = await agent.visit(target, { method: 'POST', body: scraped(csrf, { flow }) })
      expect(answer.url.origin + answer.url.pathname).toBe(callback)
    })
  })
})
