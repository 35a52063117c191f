import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { haveAccount } from '../../support/accounts.ts'
import { databaseKinds, startServer } from '../../support/server.ts'
import type { TestServer } from '../../support/server.ts'
import { createUserAgent } from '../../support/user-agent.ts'
import { goodPassword, startServerWithPools, visitorOf, whereItIs } from '../../support/visitor.ts'
import { followsOn, targetOf } from '../../support/way-on.ts'

const account = { username: 'ada@example.com', password: goodPassword }
const pages = ['/login', '/signup', '/forgotPassword', '/confirm', '/resetPassword', '/confirmforgotPassword']
const everyPage = [...pages, '/changePassword']

describe.each(databaseKinds)('without a flow, on %s', (database) => {
  let server: TestServer
  beforeAll(async () => {
    // As in production: the root is nobody's but the user pool's.
    server = await startServerWithPools({ database, environment: { development: false } })
    await haveAccount(server, account)
  })
  afterAll(() => server.stop())

  const agent = () => createUserAgent(server.publicUrl)

  test.each([
    ['/login', 'Sign in'],
    ['/signup', 'Create your account'],
    ['/forgotPassword', 'Forgot your password?'],
    ['/LOGIN', 'Sign in'],
    ['/forgotpassword', 'Forgot your password?'],
  ])('%s with the parameters of a request begins there, and ends at the app', async (path, heading) => {
    const browser = agent()
    const { authorization, tokensFrom } = await visitorOf(server, 'email', { browser })
    const page = await browser.visit(authorization.url.replace('/oauth2/authorize', path))
    expect(page).toMatchObject({ status: 200, heading })
    const login = heading === 'Sign in' ? page : await page.follow(heading.startsWith('Forgot') ? 'Back to' : 'Sign in')
    const app = await login.submit(account)
    expect(whereItIs(app)).toBe('the app')
    expect(app.url.searchParams.get('state')).toBe(authorization.state)
    expect((await tokensFrom(app)).status).toBe(200)
  })

  test.each(everyPage)('%s opened bare explains itself and leads to the only app', async (path) => {
    for (const address of [path, `${path}?client_id=email`, `${path}?flow=`, `${path}?lang=en`]) {
      const browser = agent()
      const page = await browser.visit(address)
      expect([address, page.status, page.heading]).toEqual([
        address,
        400,
        expect.stringMatching(/^(Signing in starts|That took)/),
      ])
    }
    const browser = agent()
    const page = await browser.visit(path)
    expect(page).toMatchObject({ status: 400, heading: 'Signing in starts in the app' })
    expect(page.text).toContain('Open the app or website that you want to use')
    expect(whereItIs(await followsOn(server, browser, page, 'Go to the app', account))).toBe('the app')
  })

  test('the root of a user pool does too', async () => {
    const browser = agent()
    const page = await browser.visit('/')
    expect(page).toMatchObject({ status: 200, heading: 'Signing in starts in the app' })
    expect(whereItIs(await followsOn(server, browser, page, 'Go to the app', account))).toBe('the app')
  })

  test.each(pages)('%s for an app that nobody knows says so', async (path) => {
    for (const query of ['client_id=nobody', 'client_id=nobody&response_type=code', 'client_id=nobody&flow=gone']) {
      expect(await agent().visit(`${path}?${query}`)).toMatchObject({ status: 400, heading: 'We don’t know this app' })
    }
  })

  test.each([...everyPage, '/resendcode'])(
    'a form sent to %s without a flow is answered, with a way on',
    async (path) => {
      for (const form of [{}, { flow: '' }, { flow: 'gone', _csrf: 'x' }, account]) {
        const browser = agent()
        const body = new URLSearchParams(form)
        const page = await browser.visit(`${path}?client_id=email`, { method: 'POST', body })
        expect(page).toMatchObject({ status: 400, heading: 'That took a little too long' })
        expect(whereItIs(await followsOn(server, browser, page, 'Start over', account))).toBe('the app')
      }
    },
  )

  test.each(['redirect_mismatch', 'invalid_request', 'unknown_client', 'anything', ''])(
    'Cognito’s /error?error=%s is a page that leads back to the app',
    async (error) => {
      const browser = agent()
      const page = await browser.visit(`/error?error=${error}&client_id=email`)
      expect(page.status).toBe(400)
      expect(whereItIs(await followsOn(server, browser, page, 'Start over', account))).toBe('the app')
    },
  )

  test('nothing of an address is believed: no link leads where it says', async () => {
    const evil = `client_id=email&redirect_uri=${encodeURIComponent('https://evil.example/')}`
    for (const path of ['/', ...pages]) {
      expect((await agent().visit(`${path}?${evil}`)).html).not.toContain('evil.example')
      expect((await agent().visit(`${path}?${evil}&response_type=code`)).html).not.toContain('evil.example')
    }
  })
})

test('where a user pool has several apps, none of them is guessed; named, it is led to', async () => {
  const client = (id: string) =>
    `{ ClientId: ${id}, CallbackURLs: ['https://${id}.example/in'], AllowedOAuthFlows: [code], AllowedOAuthScopes: [openid] }`
  const phone = `{ ClientId: phone, CallbackURLs: ['example.app:/in'], AllowedOAuthFlows: [code], AllowedOAuthScopes: [openid] }`
  const configuration = `UserPools: [{ PoolName: many, Default: true, Clients: [${client('one')}, ${client('two')}, ${phone}] }]`
  const server = await startServer({ configuration, environment: { development: false } })
  try {
    const { visit } = createUserAgent(server.publicUrl)
    expect((await visit('/login')).html).not.toContain('class="button"')
    expect(targetOf(await visit('/login?client_id=two'), 'Go to the app')).toBe('https://two.example/')
    // An app on a telephone has no page to lead to: the text says where to go.
    const onPhone = await visit('/login?client_id=phone')
    expect(onPhone).toMatchObject({ status: 400, heading: 'Signing in starts in the app' })
    expect(onPhone.html).not.toContain('class="button"')
  } finally {
    await server.stop()
  }
})
