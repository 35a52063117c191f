import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { haveAccount } from '../support/accounts.ts'
import { startServer } from '../support/server.ts'
import type { TestServer } from '../support/server.ts'
import { createUserAgent } from '../support/user-agent.ts'
import { callback, goodPassword, whereItIs } from '../support/visitor.ts'
import { attackedPool, callerAt, home, signIn } from './support/attacked-pool.ts'
import { sendRequest } from './support/raw-socket.ts'

/*
 * E3, the redirect that the framework meant well: Koa's back-redirect followed a Referer of `//evil` (CVE-2025-32379 wrote
 * one into HTML), and servers that tidy up paths answer `//evil.example/` with `Location: //evil.example`. Every address
 * that is not ours, in the path, the query, the Referer and the form, at every place that redirects: the browser stays here
 * or goes to a registered address. Guards src/hosted/step.ts (`redirect`), src/hosted/logout/logout.routes.ts,
 * src/oidc/authorization-request.ts and src/app/server-application.ts. Redirect URIs, letter by letter:
 * test/conformance/redirect-uris.test.ts.
 */

let server: TestServer
beforeAll(async () => {
  const pool = attackedPool()
  server = await startServer({
    configuration: JSON.stringify({
      UserPools: [pool, attackedPool({ Id: 'eu-west-1_other', PoolName: 'other', Default: false })],
    }),
  })
  await haveAccount(server, { username: 'ada@example.com', password: goodPassword })
})
afterAll(() => server.stop())

const elsewhere = [
  'https://evil.example/',
  'http://evil.example',
  '//evil.example',
  '///evil.example',
  '////evil.example/..',
  '/\\evil.example',
  '\\\\evil.example',
  '/\t/evil.example',
  '/%09/evil.example',
  '/%2f%2fevil.example',
  '/%5cevil.example',
  '/.evil.example',
  '@evil.example',
  ':80@evil.example',
  '.evil.example',
  'https:evil.example',
  'https:/evil.example',
  'hTtPs://evil.example',
  'javascript:alert(1)',
  'java\tscript:alert(1)',
  'data:text/html,<script>alert(1)</script>',
  'https://app.example@evil.example/',
  'https://app.example.evil.example/',
  'https://app.example/callback/../../evil.example',
  'https://evil.example/https://app.example/callback',
  '/\r\nLocation: https://evil.example/',
  '/%0d%0aLocation:%20https://evil.example/',
  '\u{2f}\u{2f}evil.example',
  'https://evil\u3002example/',
]

/** Where a browser would be led: here, or to the app. */
function staysHere(location: string | null, what: string): void {
  if (location === null) return
  const target = new URL(location, server.publicUrl)
  expect([server.publicUrl, 'https://app.example'], `${what} → ${location}`).toContain(target.origin)
  expect(location, what).not.toMatch(/[\r\n\t]/)
  if (target.origin === 'https://app.example') expect([callback, home]).toContain(`${target.origin}${target.pathname}`)
}

describe('an address in the path', () => {
  const tails = elsewhere.filter((text) => /^[\x21-\x7e]+$/.test(text))
  const heads = [
    '',
    '/',
    '/login',
    '/eu-west-1_other',
    '/eu-west-1_other/',
    '/oauth2/authorize/',
    '/demo',
    '/dev/mail',
    '/assets',
  ]

  test.each(['localhost', '127.0.0.1'])('of %s leads nowhere else', async (host) => {
    for (const head of heads) {
      for (const tail of tails) {
        const path = `${head}${tail.startsWith('/') ? '' : '/'}${tail}`
        const { status, headers } = await sendRequest(server.port, path, [`Host: ${host}:${server.port}`])
        expect(status, path).toBeLessThan(500)
        staysHere(headers.get('location'), path)
      }
    }
  })
})

describe('an address in a parameter', () => {
  /** Those that we read, one at a time. */
  const known = [
    'redirect_uri',
    'logout_uri',
    'post_logout_redirect_uri',
    'state',
    'flow',
    'lang',
    'notice',
    'error',
    'cookie',
  ]
  /** Those by which others are led astray, all at once. */
  const others = [
    ...['next', 'return', 'returnTo', 'return_to', 'redirect', 'redirect_to', 'redirectUri', 'url', 'continue', 'back'],
    ...[
      'target',
      'to',
      'goto',
      'RelayState',
      'wreply',
      'callback',
      'home',
      'app',
      'dest',
      'service',
      'forward',
      'page',
    ],
  ]
  const paths = ['/', '/login', '/signup', '/logout', '/confirmUser', '/error', '/oauth2/authorize', '/demo/sign-in']

  test.each(paths)('of %s leads nowhere else', async (path) => {
    const base = {
      client_id: 'email',
      response_type: 'code',
      ...(path === '/logout' ? {} : { redirect_uri: callback }),
    }
    for (const value of elsewhere) {
      const queries = [
        ...known.map((name) => ({ ...base, [name]: value })),
        { ...base, ...Object.fromEntries(others.map((name) => [name, value])) },
      ]
      for (const query of queries) {
        const target = `${path}?${new URLSearchParams(query).toString()}`
        const answer = await fetch(`${server.publicUrl}${target}`, { redirect: 'manual' })
        expect(answer.status, target).toBeLessThan(500)
        staysHere(answer.headers.get('location'), target)
        await answer.body?.cancel()
      }
    }
  })

  test('of a form leads nowhere else, in the middle of a sign-in', async () => {
    const names = [...known.filter((name) => name !== 'flow'), ...others]
    for (const value of elsewhere.slice(0, 4)) {
      const { page } = await callerAt(server.publicUrl)
      const fields = Object.fromEntries(names.map((name) => [name, value]))
      const answer = await page.submit({ ...fields, username: 'ada@example.com', password: '' })
      expect(answer.url.origin).toBe(server.publicUrl)
      expect(whereItIs(await signIn(page, 'ada@example.com'))).toBe('the app')
    }
  })
})

describe('a state', () => {
  test.each([...elsewhere, '&redirect_uri=https://evil.example', '#code=x', '"><script>', 'a&code=stolen&iss=evil'])(
    'of %j comes back as it went, and adds nothing',
    async (state) => {
      const caller = await callerAt(server.publicUrl, { state, prompt: 'none' })
      expect(`${caller.page.url.origin}${caller.page.url.pathname}`).toBe(callback)
      expect([...caller.page.url.searchParams.keys()].toSorted()).toEqual([
        'error',
        'error_description',
        'iss',
        'state',
      ])
      expect(caller.page.url.searchParams.get('state')).toBe(state)
      expect(caller.page.url.hash).toBe('')
      const logout = await fetch(
        `${server.publicUrl}/logout?${new URLSearchParams({ client_id: 'email', logout_uri: home, state }).toString()}`,
        { redirect: 'manual' },
      )
      const target = new URL(logout.headers.get('location') ?? '')
      expect([`${target.origin}${target.pathname}`, [...target.searchParams.entries()], target.hash]).toEqual([
        home,
        [['state', state]],
        '',
      ])
    },
  )
})

describe('a Referer', () => {
  test('is followed by nobody', async () => {
    for (const referer of elsewhere.filter((text) => /^[\x20-\x7e]+$/.test(text))) {
      const { agent, page } = await callerAt(server.publicUrl)
      for (const path of ['/login', '/logout?client_id=email', '/error', '/nowhere', page.url.href]) {
        const answer = await agent.request(new URL(path, server.publicUrl).href, { headers: { referer } })
        staysHere(answer.headers.get('location'), referer)
        expect(await answer.text()).not.toContain('evil.example')
      }
    }
  })
})

test('a sign-in that was begun with all of it ends at the app', async () => {
  const { page } = await callerAt(
    server.publicUrl,
    { state: elsewhere[0], next: elsewhere[0], lang: elsewhere[0] },
    createUserAgent(server.publicUrl, { referer: 'https://evil.example/' }),
  )
  expect(whereItIs(await signIn(page, 'ada@example.com'))).toBe('the app')
})
