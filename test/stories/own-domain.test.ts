import { createServer } from 'node:http'
import type { Server } from 'node:http'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { haveAccount } from '../support/accounts.ts'
import { launchChromium } from '../support/chromium.ts'
import type { TestBrowser } from '../support/chromium.ts'
import { peopleAt } from '../support/person.ts'
import type { People } from '../support/person.ts'
import { authorizationRequest, decode, requestTokens } from '../support/relying-party.ts'
import { freePort } from '../support/server-process.ts'
import { databaseKinds, startServer } from '../support/server.ts'
import type { TestServer } from '../support/server.ts'

let chromium: TestBrowser
let app: Server
let appPort: number
beforeAll(async () => {
  ;[chromium, appPort] = await Promise.all([launchChromium(), freePort()])
  app = createServer((_request, response) => {
    response.setHeader('content-type', 'text/html')
    response.end('<!doctype html><html lang="en"><link rel="icon" href="data:,"><title>App</title><h1>The app</h1>')
  })
  await new Promise<void>((resolve) => app.listen(appPort, '127.0.0.1', resolve))
})
afterAll(async () => {
  await chromium.close()
  await new Promise((resolve) => app.close(resolve))
})

describe.each(databaseKinds)('a user pool on a domain of its own, on %s', (database) => {
  let server: TestServer
  let people: People
  let domain: string
  let callback: string
  beforeAll(async () => {
    const port = await freePort()
    domain = `http://login.localhost:${port}`
    callback = `http://localhost:${appPort}/callback`
    const client = (id: string) => `
      - ClientId: ${id}
        CallbackURLs: ['${callback}']
        LogoutURLs: ['http://localhost:${appPort}/']
        AllowedOAuthFlows: [code]
        AllowedOAuthScopes: [openid, email]`
    const configuration = `
UserPools:
  - Id: eu-west-1_Own
    PoolName: own
    Domains: ['${domain}']
    UsernameAttributes: [email]
    AutoVerifiedAttributes: [email]
    Clients:${client('web')}
  - Id: eu-west-1_Main
    PoolName: main
    Default: true
    UsernameAttributes: [email]
    Clients:${client('main-web')}
`
    server = await startServer({ database, configuration, environment: { port } })
    people = peopleAt(chromium, server)
  })
  afterEach(async () => {
    expect(await people.leave()).toEqual([])
  })
  afterAll(() => server.stop())

  test('its pages are there, the app elsewhere; sign-up leads from one to the other', async () => {
    const ada = await people.join({ email: 'ada@example.com', password: 'Analytical-1843' })
    const request = authorizationRequest(domain, { client_id: 'web', redirect_uri: callback, scope: 'openid email' })
    await ada.page.goto(request.url)
    await ada.isAt('Sign in')
    expect(new URL(ada.page.url()).origin).toBe(domain)
    await ada.follows('Create an account')
    await ada.signsUp()
    await ada.entersCode(await ada.receivesCode())
    await ada.isAt('The app')
    const { searchParams } = new URL(ada.page.url())
    expect(searchParams.get('state')).toBe(request.state)
    expect(searchParams.get('iss')).toBe(`${server.publicUrl}/eu-west-1_Own`)

    const { body } = await requestTokens(server.publicUrl, {
      grant_type: 'authorization_code',
      client_id: 'web',
      code: searchParams.get('code') ?? '',
      redirect_uri: callback,
      code_verifier: request.codeVerifier,
    })
    expect(body).toMatchObject({ error: 'invalid_client' })
    await ada.page.goto(request.url)
    await ada.isAt('The app')
  })

  test('discovery stays at the issuer and names the domain', async () => {
    const discovery = `${server.publicUrl}/eu-west-1_Own/.well-known/openid-configuration`
    const document = (await (await fetch(discovery)).json()) as Record<string, string>
    expect(document).toMatchObject({
      issuer: `${server.publicUrl}/eu-west-1_Own`,
      authorization_endpoint: `${domain}/oauth2/authorize`,
      token_endpoint: `${domain}/oauth2/token`,
      end_session_endpoint: `${domain}/logout`,
    })
  })

  test('a session there is none at the default pool, and the other way round', async () => {
    const account = { email: 'grace@example.com', password: 'Analytical-1843' }
    const grace = await people.join(account)
    await haveAccount(server, { username: account.email, password: account.password, userPoolId: 'eu-west-1_Own' })
    const there = authorizationRequest(domain, { client_id: 'web', redirect_uri: callback })
    const here = authorizationRequest(server.publicUrl, { client_id: 'main-web', redirect_uri: callback })
    await grace.page.goto(there.url)
    await grace.signsIn()
    await grace.isAt('The app')
    await grace.page.goto(here.url)
    await grace.signsIn()
    await grace.reads('Incorrect username or password.')
    await haveAccount(server, { username: account.email, password: 'Trajectory-1962', userPoolId: 'eu-west-1_Main' })
    await grace.signsIn('Trajectory-1962')
    await grace.isAt('The app')

    await grace.page.goto(`${server.publicUrl}/logout?client_id=main-web`)
    await grace.isAt('You’re signed out')
    await grace.page.goto(here.url)
    await grace.isAt('Sign in')
    await grace.page.goto(there.url)
    await grace.isAt('The app')
  })

  test('an app that lives in the browser gets its tokens there by itself', async () => {
    const account = { email: 'edith@example.com', password: 'Analytical-1843' }
    const edith = await people.join(account)
    await haveAccount(server, { username: account.email, password: account.password, userPoolId: 'eu-west-1_Own' })
    const request = authorizationRequest(domain, { client_id: 'web', redirect_uri: callback, scope: 'openid email' })
    await edith.page.goto(request.url)
    await edith.signsIn()
    await edith.isAt('The app')
    const form = new URLSearchParams({
      grant_type: 'authorization_code',
      client_id: 'web',
      code: new URL(edith.page.url()).searchParams.get('code') ?? '',
      redirect_uri: callback,
      code_verifier: request.codeVerifier,
    })
    const { id_token } = await edith.page.evaluate<{ id_token: string }, [string, string]>(
      ([url, body]) =>
        fetch(url, { method: 'POST', body, headers: { 'content-type': 'application/x-www-form-urlencoded' } }).then(
          (response) => response.json() as Promise<{ id_token: string }>,
        ),
      [`${domain}/oauth2/token`, form.toString()],
    )
    expect(decode(id_token)).toMatchObject({
      iss: `${server.publicUrl}/eu-west-1_Own`,
      email: 'edith@example.com',
      nonce: request.nonce,
    })
  })
})
