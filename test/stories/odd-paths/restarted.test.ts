import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { launchChromium } from '../../support/chromium.ts'
import { createDatabase } from '../../support/postgres.ts'
import type { TestDatabase } from '../../support/postgres.ts'
import { authorizationRequest, requestTokens } from '../../support/relying-party.ts'
import { databaseKinds } from '../../support/server.ts'
import type { Mail } from '../../support/server.ts'
import { freePort, startServerProcess } from '../../support/server-process.ts'
import type { ServerProcess } from '../../support/server-process.ts'
import { createUserAgent } from '../../support/user-agent.ts'
import type { VisitedPage } from '../../support/user-agent.ts'

const callback = 'https://app.example/callback'
const password = 'Analytical-1843'
const configuration = `
UserPools:
  - PoolName: people
    Default: true
    UsernameAttributes: [email]
    AutoVerifiedAttributes: [email]
    Users:
      - { Username: ada@example.com, Password: ${password}, Attributes: { email_verified: true } }
      - { Username: grace@example.com, Password: ${password}, Attributes: { email_verified: true } }
    Clients:
      - ClientId: web
        CallbackURLs: ['${callback}']
        LogoutURLs: ['https://app.example/']
        AllowedOAuthFlows: [code]
        AllowedOAuthScopes: [openid, email]
`

describe.each(databaseKinds)('the server is restarted meanwhile, on %s', (kind) => {
  let folder: string
  let url: string
  let environment: Record<string, string>
  let database: TestDatabase | undefined
  let server: ServerProcess
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'latchkey-restart-'))
    const port = await freePort()
    url = `http://localhost:${port}`
    await writeFile(join(folder, 'latchkey.yaml'), configuration)
    if (kind === 'postgres') {
      database = await createDatabase(inject('postgresUrl'), { template: inject('postgresTemplate') })
    }
    environment = {
      PORT: String(port),
      PUBLIC_URL: url,
      LATCHKEY_CONFIG: join(folder, 'latchkey.yaml'),
      LATCHKEY_DEV: '1',
      LATCHKEY_SECRET: 'Zq8Lk2Vx5Rw7Ty1Ub4Np9Mc6Hd3Fs0Ga',
      DATA_DIR: join(folder, 'data'),
      ...(database === undefined ? {} : { DATABASE_URL: database.url }),
    }
    server = await startServerProcess(environment)
  })
  afterAll(async () => {
    await server.terminate()
    await database?.drop()
    await rm(folder, { recursive: true, force: true })
  })

  async function restart(): Promise<void> {
    expect(await server.terminate()).toBe(0)
    server = await startServerProcess(environment)
  }

  async function begin() {
    const browser = createUserAgent(url)
    const request = authorizationRequest(url, { client_id: 'web', redirect_uri: callback, scope: 'openid email' })
    return { browser, request, login: await browser.visit(request.url) }
  }
  type Begun = Awaited<ReturnType<typeof begin>>

  async function expectTokens({ request }: Begun, app: VisitedPage): Promise<void> {
    expect(`${app.url.origin}${app.url.pathname}`).toBe(callback)
    expect(app.url.searchParams.get('state')).toBe(request.state)
    const { status } = await requestTokens(url, {
      grant_type: 'authorization_code',
      client_id: 'web',
      code: app.url.searchParams.get('code') ?? '',
      redirect_uri: callback,
      code_verifier: request.codeVerifier,
    })
    expect(status).toBe(200)
  }

  async function codeFor(address: string): Promise<string> {
    const mails = async (): Promise<Mail[]> => {
      const response = await fetch(`${url}/dev/mail`, { headers: { accept: 'application/json' } })
      return ((await response.json()) as Mail[]).filter(({ to }) => to === address)
    }
    await expect.poll(async () => (await mails()).length, { timeout: 10_000 }).toBe(1)
    return /\b\d{6}\b/.exec((await mails())[0]?.text ?? '')?.[0] ?? ''
  }

  test('at every page: what is open goes on, each to its app', async () => {
    const signIn = await begin()
    const signUp = await begin()
    const signUpPage = await signUp.login.follow('Create an account')
    const confirm = await begin()
    const confirmPage = await (
      await confirm.login.follow('Create an account')
    ).submit({ username: 'new@example.com', password })
    const reset = await begin()
    const resetPage = await (
      await reset.login.follow('Forgot your password?')
    ).submit({ username: 'grace@example.com' })
    const codes = [await codeFor('new@example.com'), await codeFor('grace@example.com')]
    await restart()

    await expectTokens(signIn, await signIn.login.submit({ username: 'ada@example.com', password }))
    const next = await signUpPage.submit({ username: 'newer@example.com', password })
    await expectTokens(signUp, await next.submit({ code: await codeFor('newer@example.com') }))
    await expectTokens(confirm, await confirmPage.submit({ code: codes[0] ?? '' }))
    await expectTokens(reset, await resetPage.submit({ code: codes[1] ?? '', password: 'Trajectory-1962' }))
  })

  test('between the last form and its answer: the browser that comes back goes on', async () => {
    const begun = await begin()
    const { login, browser } = begun
    const hidden = { _csrf: login.field('_csrf') ?? '', flow: login.field('flow') ?? '' }
    const body = new URLSearchParams({ ...hidden, username: 'ada@example.com', password })
    const answer = await browser.request(`${url}/login`, { method: 'POST', body })
    await restart()
    await expectTokens(begun, await browser.visit(answer.headers.get('location') ?? ''))
  })

  test('with a sign-in page open in Chromium: it gets on as if nothing had been', async () => {
    const chromium = await launchChromium()
    try {
      const page = await chromium.newPage()
      await page.goto(authorizationRequest(url, { client_id: 'web', redirect_uri: callback }).url)
      await restart()
      await page.getByLabel('Email address', { exact: true }).fill('ada@example.com')
      await page.getByLabel('Password', { exact: true }).fill(password)
      await restart()
      // There is nobody at the app's address: that the browser goes there with a code is enough.
      const atApp = page.waitForRequest((request) => request.url().startsWith(`${callback}?`))
      await page.getByRole('button', { name: 'Sign in', exact: true }).click()
      expect(new URL((await atApp).url()).searchParams.has('code')).toBe(true)
    } finally {
      await chromium.close()
    }
  })

  test('before the code is redeemed, and while somebody is signed in: both are as they were', async () => {
    const begun = await begin()
    const app = await begun.login.submit({ username: 'ada@example.com', password })
    await restart()
    await expectTokens(begun, app)
    const again = await begun.browser.visit(`${begun.request.url}&prompt=none`)
    expect(again.url.searchParams.has('code')).toBe(true)
  })
})
