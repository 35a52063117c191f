import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { haveAccount } from '../../support/accounts.ts'
import { databaseKinds } from '../../support/server.ts'
import type { TestServer } from '../../support/server.ts'
import type { VisitedPage } from '../../support/user-agent.ts'
import {
  callback,
  goodPassword,
  startServerWithPools,
  userPoolId,
  visitorOf,
  whereItIs,
} from '../../support/visitor.ts'
import type { PoolName, Visitor } from '../../support/visitor.ts'

describe.each(databaseKinds)('what was typed, on %s', (database) => {
  let server: TestServer
  beforeAll(async () => {
    server = await startServerWithPools({ database })
    await haveAccount(server, { username: 'ada@example.com', password: goodPassword })
  })
  afterAll(() => server.stop())

  test('at sign-in survives an error; the password does not come back', async () => {
    const { login } = await visitorOf(server)
    const refused = await login.submit({ username: 'ada@example.com', password: 'Not-her-password-1' })
    expect(refused.field('username')).toBe('ada@example.com')
    expect(refused.html).not.toContain('Not-her-password-1')
    const empty = await login.submit({ username: 'ada@example.com', password: '' })
    expect(empty.field('username')).toBe('ada@example.com')
    expect(empty.text).toContain('Please enter your password.')
    // From the sign-in page it goes along to the page for a new password.
    const unnamed = await login.submit({ username: ' ', password: 'Not-her-password-1' })
    expect(unnamed.text).toContain('Please fill this in.')
    expect(unnamed.html).not.toContain('Not-her-password-1')
  })

  test('at sign-up survives errors, which are told field by field; the password does not come back', async () => {
    const { login } = await visitorOf(server, 'profile')
    const signUp = await login.follow('Create an account')
    const refused = await signUp.submit({
      username: '"Ada" <ada@example.com>',
      given_name: 'Ada <b>Augusta</b> & Söhne',
      birthdate: '1815-02-30',
      password: 'Sh0rt-<"\'>',
    })
    expect(refused.status).toBe(200)
    expect(refused.field('username')).toBe('"Ada" <ada@example.com>')
    expect(refused.field('given_name')).toBe('Ada <b>Augusta</b> & Söhne')
    expect(refused.field('birthdate')).toBe('1815-02-30')
    expect(refused.text).toContain('Please enter an email address, such as name@example.com.')
    expect(refused.text).toContain('Please enter a date that exists, as year-month-day: 1990-12-31.')
    expect(refused.html).not.toContain('Sh0rt-')
    expect(refused.html).not.toContain('<b>Augusta</b>')
    expect(refused.field('password')).toBeUndefined()

    const missing = await signUp.submit({ username: 'ada.king@example.com', password: 'short' })
    expect(missing.field('username')).toBe('ada.king@example.com')
    expect(missing.text.split('Please fill this in.')).toHaveLength(3)
    expect(missing.text).toContain('Your password doesn’t meet all of the points below yet.')

    const confirm = await missing.submit({ given_name: 'Ada', birthdate: '1815-12-10', password: goodPassword })
    const app = await confirm.submit({ code: await server.codeFor('ada.king@example.com') })
    expect(whereItIs(app)).toBe('the app')
  })

  test('as a code does not come back either', async () => {
    const { login } = await visitorOf(server)
    const forgot = await login.follow('Forgot your password?')
    const reset = await forgot.submit({ username: 'nobody@example.com' })
    const refused = await reset.submit({ code: '918273', password: 'short' })
    expect(refused.html).not.toContain('918273')
    expect(refused.html).not.toContain('value="short"')
    expect(refused.field('username')).toBe('nobody@example.com')
  })

  /** A visitor at each page of a flow. */
  const pages: Record<string, () => Promise<[Visitor, VisitedPage]>> = {
    '/login': async () => {
      const visitor = await visitorOf(server)
      return [visitor, visitor.login]
    },
    '/signup': async () => {
      const visitor = await visitorOf(server, 'profile')
      return [visitor, await visitor.login.follow('Create an account')]
    },
    '/signup with a user name': async () => {
      const visitor = await visitorOf(server, 'alias')
      return [visitor, await visitor.login.follow('Create an account')]
    },
    '/confirm': async () => {
      const [visitor, signUp] = await pages['/signup']!()
      const typed = {
        username: `x${visitor.authorization.state}@example.com`,
        given_name: 'X',
        birthdate: '2000-01-01',
      }
      return [visitor, await signUp.submit({ ...typed, password: goodPassword })]
    },
    '/forgotPassword': async () => {
      const visitor = await visitorOf(server)
      return [visitor, await visitor.login.follow('Forgot your password?')]
    },
    '/resetPassword': async () => {
      const [visitor, forgot] = await pages['/forgotPassword']!()
      return [visitor, await forgot.submit({ username: 'ada@example.com' })]
    },
    '/changePassword': async () => {
      const visitor = await visitorOf(server)
      const username = `x${visitor.authorization.state}@example.com`
      await haveAccount(server, { username, password: goodPassword, temporary: true })
      return [visitor, await visitor.login.submit({ username, password: goodPassword })]
    },
  }

  const fields = [
    'username',
    'password',
    'code',
    'email',
    'given_name',
    'birthdate',
    'signInSubmitButton',
    'lang',
    'notice',
  ]
  const filledWith = (text: string): Record<string, string> => Object.fromEntries(fields.map((name) => [name, text]))
  const nonsense: Record<string, string> = {
    'a NUL': 'a\0b@example.com',
    emoji: '👩‍🚀🏳️‍🌈@例え.テスト',
    'a lone surrogate': 'a\ud800b',
    'line breaks': 'ada@example.com\r\nBcc: eve@example.com\u2028x',
    'ten thousand letters': 'x'.repeat(10_000),
    'combining marks': 'Z̸̢̧͎͈͎̠'.repeat(300),
    markup: '"><script>alert(1)</script>{{ 7 | times: 7 }}${7*7}',
    SQL: "'; drop table users; --",
    'a prototype': '__proto__',
    'right-to-left': '\u202eada@example.com\u202c',
  }

  test.each(Object.keys(pages))('%s takes any nonsense in stride', async (name) => {
    const [visitor, page] = await pages[name]!()
    for (const [what, text] of Object.entries(nonsense)) {
      const answer = await page.submit(filledWith(text))
      expect(answer.status, what).toBeLessThan(500)
      expect(answer.html, what).not.toContain('<script>alert(1)')
      expect(answer.html, what).not.toContain('"><script')
      expect(answer.text, what).not.toMatch(/Something went wrong on our side/)
      // A page that has moved on is opened anew: what was typed is kept in the flow, and shown there.
      expect((await visitor.visit(page.url.href)).status, what).toBeLessThan(500)
    }
  })

  const bodies: Record<string, { body: string | Uint8Array<ArrayBuffer>; type?: string; status: number }> = {
    '70 kB': { body: `username=${'x'.repeat(70_000)}`, status: 413 },
    'a field twice': { body: 'username=a&username=b', status: 400 },
    'a token twice': { body: '_csrf=a&_csrf=b', status: 400 },
    JSON: { body: '{"username":"a"}', type: 'application/json', status: 400 },
    multipart: { body: '--x\r\n\r\n--x--', type: 'multipart/form-data; boundary=x', status: 400 },
    'plain text': { body: 'username=a', type: 'text/plain', status: 400 },
    'no type': { body: new Uint8Array([117, 61, 97]), type: '', status: 400 },
    nothing: { body: '', status: 400 },
    'half an escape': { body: 'username=%E0%A4%A&flow=%', status: 400 },
    bytes: { body: new Uint8Array([0xff, 0xfe, 0, 1, 2, 0x3d, 0xc3, 0x28]), status: 400 },
    'ten thousand fields': {
      body: Array.from({ length: 10_000 }, (_, index) => `f${index}=`)
        .join('&')
        .slice(0, 65_000),
      status: 400,
    },
    'array names': { body: 'username[]=a&username[__proto__][x]=1&flow=x', status: 400 },
  }

  test.each(['/login', '/signup', '/confirm', '/resendcode', '/forgotPassword', '/resetPassword', '/changePassword'])(
    'a POST to %s that no form of ours sends is refused with a page',
    async (path) => {
      const { visit } = await visitorOf(server)
      for (const [what, { body, type = 'application/x-www-form-urlencoded', status }] of Object.entries(bodies)) {
        const answer = await visit(path, { method: 'POST', body, headers: { 'content-type': type } })
        expect(answer.status, what).toBe(status)
        expect(answer.heading, what).not.toBe('')
        expect(answer.headers.get('content-type'), what).toBe('text/html; charset=utf-8')
      }
    },
  )

  test.each(Object.entries(nonsense))('%s in the parameters of a request is no trouble', async (_what, text) => {
    const { visit, authorization } = await visitorOf(server)
    const known = new URL(authorization.url)
    const names = ['login_hint', 'state', 'nonce', 'ui_locales', 'lang', 'scope', 'prompt', 'max_age', 'display']
    const other = [
      'client_id',
      'redirect_uri',
      'response_type',
      'code_challenge',
      'identity_provider',
      'id_token_hint',
      'x',
    ]
    for (const name of [
      ...names,
      ...other,
      'acr_values',
      'resource',
      'claims',
      'request',
      'response_mode',
      'screen_hint',
    ]) {
      const url = new URL(known)
      url.searchParams.set(name, text)
      const page = await visit(url.href)
      expect(page.status, name).toBeLessThan(500)
      if (page.status !== 0) expect(page.heading, name).not.toMatch(/on our side/)
    }
    for (const path of ['/login', '/signup', '/confirm', '/logout', '/error', '/nowhere', '/oauth2/authorize/']) {
      for (const name of [
        'flow',
        'client_id',
        'notice',
        'error',
        'logout_uri',
        'id_token_hint',
        'redirect_uri',
        'state',
      ]) {
        const page = await visit(`${path}?${new URLSearchParams({ client_id: 'email', [name]: text }).toString()}`)
        expect(page.status, `${path} ${name}`).toBeLessThan(500)
      }
    }
    const cookie = await fetch(known, {
      headers: { cookie: `lk_browser_email=${encodeURIComponent(text.toWellFormed())}` },
    })
    expect(cookie.status).toBeLessThan(500)
  })

  test('a deep link with parameters twice, or none, is answered', async () => {
    const { visit } = await visitorOf(server)
    const query = `client_id=email&redirect_uri=${encodeURIComponent(callback)}`
    for (const path of ['/login', '/signup', '/forgotPassword'] as const) {
      expect((await visit(path)).status).toBe(400)
      expect((await visit(`${path}?client_id=email&client_id=alias`)).status).toBe(400)
      expect((await visit(`${path}?${query}&flow=a&flow=b`)).status).toBe(400)
    }
    expect((await visit(`/${userPoolId('alias' satisfies PoolName)}/login?client_id=email`)).status).toBe(400)
  })
})
