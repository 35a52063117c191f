import { afterAll, beforeAll, expect, test } from 'vitest'
import { authorizationRequest } from '../support/relying-party.ts'
import { createUserAgent } from '../support/user-agent.ts'
import { exchange } from './endpoints/exchange.ts'
import { callback, ownDomain, startServerUnderTest } from './server-under-test.ts'
import type { ServerUnderTest } from './server-under-test.ts'

/* What the runs have found, once more and by name. */

let server: ServerUnderTest
beforeAll(async () => {
  server = await startServerUnderTest('embedded')
})
afterAll(() => server.stop())

const get = (path: string): Promise<Response> => fetch(`${server.publicUrl}${path}`, { redirect: 'manual' })

test.each(['/login', '/signup', '/forgotPassword'])(
  '%s shows no notice of a page that has sent something',
  async (path) => {
    const agent = createUserAgent(server.publicUrl)
    const { url } = await agent.visit(
      authorizationRequest(server.publicUrl, { client_id: 'web', redirect_uri: callback }).url,
    )
    const flow = url.searchParams.get('flow') ?? ''
    for (const notice of ['codeResent', 'linkResent']) {
      const page = await agent.visit(`${path}?${new URLSearchParams({ flow, notice }).toString()}`)
      expect([notice, page.status, page.text.includes('We sent')]).toEqual([notice, 200, false])
    }
  },
)

test('the demo and the mailbox are not part of a user pool’s own domain', async () => {
  for (const path of ['/demo', '/demo/sign-in', '/dev/mail']) {
    const request = [`GET ${path} HTTP/1.1`, `Host: ${ownDomain}`, 'Connection: close', '', ''].join('\r\n')
    const answer = await exchange(server.port, Buffer.from(request), { hangUp: false, method: 'GET' })
    expect([path, answer?.status, answer?.headers.has('set-cookie')]).toEqual([path, 404, false])
  }
})

test('a message under an id with a zero byte is not there', async () => {
  expect((await get('/dev/mail/a%00b')).status).toBe(404)
  expect((await get('/dev/mail/a%00b/html')).status).toBe(404)
})

test('metadata that is asked for elsewhere is not taken for something else', async () => {
  const response = await get('/nowhere/.well-known/jwks.json')
  expect([response.status, response.headers.get('x-content-type-options')]).toEqual([404, 'nosniff'])
})

test.each(['/oauth2/authorize?client_id=web&response_type=code', '/', '/demo/sign-in'])(
  'the redirect of %s brings no page, which would repeat what is in its address',
  async (path) => {
    const response = await get(path)
    expect([response.status, response.headers.has('location')]).toEqual([303, true])
    expect([response.headers.get('content-type'), await response.text()]).toEqual([null, ''])
  },
)

test.each(['/login', '/confirmUser', '/logout', '/oauth2/authorize', '/oauth2/token', '/oauth2/revoke'])(
  'somebody who hangs up in the middle of a form to %s is no failure of ours',
  async (path) => {
    const head = ['Host: localhost', 'Content-Type: application/x-www-form-urlencoded', 'Content-Length: 20']
    const request = [`POST ${path} HTTP/1.1`, ...head, 'Connection: close', '', 'client_id=web'].join('\r\n')
    const host = new URL(server.publicUrl).host
    const bytes = Buffer.from(request.replace('localhost', host))
    const answer = await exchange(server.port, bytes, { hangUp: true, method: 'POST' })
    expect([answer?.status, server.errors]).toEqual([400, []])
  },
)
