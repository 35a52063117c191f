import { createServer } from 'node:http'
import type { IncomingMessage, Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { authorizationRequest, decode, requestTokens } from '../support/relying-party.ts'
import { launchChromium } from '../support/chromium.ts'
import type { TestBrowser } from '../support/chromium.ts'
import { axeComplaints } from '../support/page-audit.ts'
import { peopleAt } from '../support/person.ts'
import type { People, Person } from '../support/person.ts'
import { startServer } from '../support/server.ts'
import type { TestServer } from '../support/server.ts'

/* In a browser: an answer that a page posts to the app, and one that comes in the address for the app's script. */

const ada = { email: 'ada@example.com', password: 'Analytical-1843' }

/** An app on an origin of its own. Its callback shows what it is given, and asks userInfo by script. */
interface App {
  origin: string
  /** Forms that have been posted to it. */
  posted: Record<string, string>[]
  stop(): Promise<void>
}

const script = (userInfo: string) => `
  const answer = new URLSearchParams(location.hash.slice(1))
  const show = (text) => { document.querySelector('h1').textContent = text }
  if (answer.has('access_token')) {
    fetch('${userInfo}', { headers: { authorization: 'Bearer ' + answer.get('access_token') } })
      .then((response) => response.json())
      .then((claims) => show('Hello ' + claims.email), (error) => show(String(error)))
  } else show(answer.get('error') ?? 'No answer')`

async function startApp(userInfo: () => string): Promise<App> {
  const posted: Record<string, string>[] = []
  const server: Server = createServer((request, response) => {
    void (async () => {
      if (request.method === 'POST') posted.push(await formOf(request))
      const body = request.method === 'POST' ? '<h1>Thank you</h1>' : `<h1>…</h1><script>${script(userInfo())}</script>`
      response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8' })
      response.end(`<!doctype html><html lang="en"><title>App</title><link rel="icon" href="data:,">${body}</html>`)
    })()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    origin: `http://localhost:${(server.address() as AddressInfo).port}`,
    posted,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function formOf(request: IncomingMessage): Promise<Record<string, string>> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Object.fromEntries(new URLSearchParams(Buffer.concat(chunks).toString()))
}

let chromium: TestBrowser
let app: App
let server: TestServer
let people: People
beforeAll(async () => {
  app = await startApp(() => `${server.publicUrl}/oauth2/userInfo`)
  const Clients = [
    { ClientId: 'web', CallbackURLs: [`${app.origin}/callback`] },
    { ClientId: 'script', CallbackURLs: [`${app.origin}/callback`], AllowedOAuthFlows: ['implicit'] },
  ]
  const configuration = JSON.stringify({
    UserPools: [
      {
        PoolName: 'people',
        Default: true,
        UsernameAttributes: ['email'],
        Clients,
        Users: [{ Username: ada.email, Password: ada.password, Attributes: { email_verified: true } }],
      },
    ],
  })
  ;[chromium, server] = await Promise.all([launchChromium(), startServer({ configuration })])
  people = peopleAt(chromium, server)
})
beforeEach(() => {
  app.posted.length = 0
})
afterEach(async () => {
  expect(await people.leave()).toEqual([])
})
afterAll(async () => {
  await Promise.all([chromium.close(), server.stop(), app.stop()])
})

const asked = (parameters: Record<string, string | undefined>) =>
  authorizationRequest(server.publicUrl, {
    client_id: 'web',
    redirect_uri: `${app.origin}/callback`,
    scope: 'openid email',
    ...parameters,
  })

const opens = async (person: Person, url: string): Promise<void> => {
  await person.page.goto(url)
}

describe('an answer by form', () => {
  const state = '"><script>alert(1)</script>\u{1F600}'

  test.each([true, false])('reaches the app, script or no script (script: %s)', async (javaScriptEnabled) => {
    const person = await people.join(ada, { javaScriptEnabled })
    const request = asked({ response_mode: 'form_post', state })
    await opens(person, request.url)
    await person.signsIn()
    if (!javaScriptEnabled) {
      await person.isAt('Taking you back to the app')
      await person.presses('Continue')
    }
    await person.isAt('Thank you')
    expect(person.page.url()).toBe(`${app.origin}/callback`)
    expect(app.posted).toEqual([
      { code: expect.any(String) as string, state, iss: expect.stringContaining(server.publicUrl) as string },
    ])
    const { status } = await requestTokens(server.publicUrl, {
      grant_type: 'authorization_code',
      client_id: 'web',
      code: app.posted[0]?.['code'] ?? '',
      redirect_uri: `${app.origin}/callback`,
      code_verifier: request.codeVerifier,
    })
    expect(status).toBe(200)
  })

  test('so does an error', async () => {
    const person = await people.join(ada)
    await opens(person, asked({ response_mode: 'form_post', prompt: 'none', state: 's' }).url)
    await person.isAt('Thank you')
    expect(app.posted).toMatchObject([{ error: 'login_required', state: 's' }])
  })

  test.each(['light', 'dark'] as const)('its page is for everybody (%s)', async (scheme) => {
    const person = await people.join(ada)
    // With its script it would be gone before it has been looked at.
    await person.page.route('**/assets/*.js', (route) => route.fulfill({ body: '', contentType: 'text/javascript' }))
    await opens(person, asked({ response_mode: 'form_post', prompt: 'none', ui_locales: 'ar' }).url)
    await person.isAt('نعيدك إلى التطبيق')
    expect(await axeComplaints(person.page, scheme)).toEqual([])
  })
})

describe('an implicit answer', () => {
  const implicit = {
    client_id: 'script',
    response_type: 'token',
    code_challenge: undefined,
    code_challenge_method: undefined,
  }

  test.each([true, false])('is in the address for the app’s script (on our pages: %s)', async (javaScriptEnabled) => {
    const person = await people.join(ada, { javaScriptEnabled })
    const request = asked(implicit)
    await opens(person, request.url)
    await person.signsIn()
    await person.page.waitForURL((url) => url.origin === app.origin)
    const answer = new URLSearchParams(new URL(person.page.url()).hash.slice(1))
    expect(answer.get('state')).toBe(request.state)
    expect(decode(answer.get('id_token') ?? '')).toMatchObject({ nonce: request.nonce, email: ada.email })
    if (javaScriptEnabled) await person.isAt(`Hello ${ada.email}`)
  })

  test('and so is an error', async () => {
    const person = await people.join(ada)
    await opens(person, asked({ ...implicit, client_id: 'web' }).url)
    await person.isAt('unauthorized_client')
    expect(new URL(person.page.url()).search).toBe('')
  })
})
