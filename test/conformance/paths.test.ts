import { load } from 'cheerio'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { authorizationRequest, requestTokens } from '../support/relying-party.ts'
import { createUserAgent } from '../support/user-agent.ts'
import { ana, callback, codeForm, otherPoolId, password, startPool } from './pool.ts'
import type { ConformancePool } from './pool.ts'
import { rawRequest } from './raw-request.ts'
import type { RawAnswer } from './raw-request.ts'

/* Cognito's paths (reference: hosted UI §2), as apps write them: in any letters, with a slash at the end, by HEAD. */

let pool: ConformancePool
beforeAll(async () => {
  pool = await startPool()
})
afterAll(() => pool.stop())

const ask = (target: string, method = 'GET'): Promise<RawAnswer> =>
  rawRequest(pool.port, target, { method, headers: { host: new URL(pool.base).host } })

/** What the answer comes to, without what is random in it, and without the id of a pool that is named in the path. */
function shape({ status, headers, body }: RawAnswer): unknown[] {
  const location = headers.location?.replace(`/${otherPoolId}`, '').replaceAll(/flow=[\w-]{43}/g, 'flow')
  const content = location === undefined ? load(body)('h1').text() || body : ''
  return [status, location, headers['content-type'], headers.allow, headers['www-authenticate'], content]
}

const request = new URL(authorizationRequest('https://x', { client_id: 'app', redirect_uri: callback }).url).search

const paths: [path: string, what: string, query: string, status: number][] = [
  ['/oauth2/authorize', 'with a request', request, 303],
  ['/oauth2/authorize', 'bare', '', 400],
  ['/login', 'with a request', request, 303],
  ['/signup', 'with a request', request, 303],
  ['/forgotPassword', 'with a request', request, 303],
  ['/login', 'bare', '', 400],
  ['/signup', 'bare', '', 400],
  ['/confirm', 'bare', '', 400],
  ['/confirmUser', 'with a link', '?client_id=app&user_name=ana&confirmation_code=x', 400],
  ['/forgotPassword', 'bare', '', 400],
  ['/confirmforgotPassword', 'bare', '', 400],
  ['/resetPassword', 'bare', '', 400],
  ['/changePassword', 'bare', '', 400],
  ['/selectAccount', 'bare', '', 400],
  ['/consent', 'bare', '', 400],
  ['/error', 'with an error', '?error=redirect_mismatch&client_id=app', 400],
  ['/logout', 'with an address', '?client_id=app&logout_uri=https%3A%2F%2Fapp.example.com%2F', 303],
  ['/logout', 'bare', '', 200],
  ['/oauth2/userInfo', 'without a token', '', 400],
  ['/resendcode', 'which takes a POST', '', 405],
  ['/oauth2/token', 'which takes a POST', '', 405],
  ['/oauth2/revoke', 'which takes a POST', '', 405],
]

describe.each(paths)('%s %s', (path, _what, query, status) => {
  test('is the same in other letters, with a slash at the end, and below the id of its pool', async () => {
    const expected = await ask(path + query)
    expect(expected.status).toBe(status)
    for (const other of [path.toLowerCase(), path.toUpperCase(), `${path}/`, `/${otherPoolId}${path.toUpperCase()}/`]) {
      expect([other, ...shape(await ask(other + query))]).toEqual([other, ...shape(expected)])
    }
  })

  test('answers HEAD as GET, without a body', async () => {
    const [get, head] = [await ask(path + query), await ask(path + query, 'HEAD')]
    expect(shape({ ...head, body: get.body })).toEqual(shape(get))
    expect(head.body).toBe('')
  })
})

test('a whole sign-in works in other letters and with slashes', async () => {
  const agent = createUserAgent(pool.base)
  const asked = authorizationRequest(pool.base, { client_id: 'app', redirect_uri: callback })
  const login = await agent.visit(asked.url.replace('/oauth2/authorize', '/OAuth2/Authorize/'))
  const again = await agent.visit(login.url.href.replace('/login', '/LOGIN/'))
  expect([again.heading, again.url.pathname]).toEqual(['Sign in', '/LOGIN/'])
  const german = await again.follow('Deutsch')
  expect(german.heading).toBe('Anmelden')
  const body = new URLSearchParams({ _csrf: german.field('_csrf') ?? '', username: ana.Username, password })
  const answer = await agent.visit(`/Login/${login.url.search}`, { method: 'POST', body })
  const form = new URLSearchParams(codeForm(answer.url, asked))
  const response = await fetch(`${pool.base}/OAUTH2/Token/`, { method: 'POST', body: form })
  const tokens = (await response.json()) as { access_token: string; refresh_token: string }
  const headers = { authorization: `Bearer ${tokens.access_token}` }
  const userInfo = () => fetch(`${pool.base}/oauth2/userinfo/`, { headers })
  expect(await (await userInfo()).json()).toMatchObject({ username: ana.Username })
  const token = new URLSearchParams({ client_id: 'app', token: tokens.refresh_token })
  expect((await fetch(`${pool.base}/oauth2/REVOKE`, { method: 'POST', body: token })).status).toBe(200)
  expect((await userInfo()).status).toBe(401)
  const refreshed = { grant_type: 'refresh_token', client_id: 'app', refresh_token: tokens.refresh_token }
  expect((await requestTokens(pool.base, refreshed)).body.error).toBe('invalid_grant')
})

/** Of Cognito's, and not here yet; docs/api-coverage.md says so. */
const absent = [
  ...['/oauth2/register'],
  ...['/saml2/idpresponse', '/saml2/logout', '/oauth2/introspect', '/oauth2/engine/jwks'],
]

test.each(absent)('%s is not there', async (path) => {
  for (const method of ['GET', 'POST']) {
    const answer = await ask(path, method)
    expect([answer.status, shape(answer).at(-1)]).toEqual([404, 'There is nothing here'])
  }
})
