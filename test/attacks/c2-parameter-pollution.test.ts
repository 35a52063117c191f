import { load } from 'cheerio'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runCommand } from '../../src/app/administration/run-command.ts'
import { parseConfiguration } from '../../src/app/configuration-file.ts'
import { callback, configurationOf, createBrowser, startPool } from '../conformance/pool.ts'
import type { ConformancePool } from '../conformance/pool.ts'
import { authorizationRequest } from '../support/relying-party.ts'
import { createUserAgent } from '../support/user-agent.ts'

/*
 * Threat row C2: a redirect that brings its own `code` or `state`, so that the app reads the attacker's (Keycloak
 * CVE-2026-9689). Guards src/domain/app-clients/redirect-uri.ts (answerParameters), src/oidc/authorization-request.ts and
 * src/oidc/response-modes.ts.
 */

const answers = [
  ...['code', 'state', 'iss', 'error', 'error_description', 'error_uri', 'id_token', 'access_token', 'refresh_token'],
  ...['token_type', 'expires_in', 'scope', 'session_state', 'response'],
]
/** One name in every spelling that some framework reads as that name. */
const spellings = (name: string): readonly string[] => [
  ...[name, name.toUpperCase(), `%${name.charCodeAt(0).toString(16)}${name.slice(1)}`, `${name}[]`, `${name}[0]`],
  ...[`%20${name}`, `+${name}`, `${name}%20`, `x=1;${name}`, name.replaceAll('_', '.'), name.replaceAll('_', '%20')],
]

const withQuery = 'https://app.example.com/cb?tenant=a&x='
const encoded = 'https://app.example.com/cb?next=%26code%3Devil%26state%3Devil'
let pool: ConformancePool
beforeAll(async () => {
  pool = await startPool({
    configuration: configurationOf({
      clients: {
        queried: {
          CallbackURLs: [withQuery, encoded],
          LogoutURLs: [withQuery],
          AllowedOAuthFlows: ['code', 'implicit'],
        },
      },
    }),
  })
})
afterAll(() => pool.stop())

describe.each(answers)('an address that carries "%s" of its own', (name) => {
  test('is not registered, in whatever spelling', async () => {
    const administration = { ...pool.services, publicUrl: pool.base, region: 'eu-west-1' }
    for (const spelling of spellings(name)) {
      for (const uri of [
        `${callback}?${spelling}=evil`,
        `${callback}?a=b&${spelling}`,
        `myapp://cb?${spelling}=evil`,
      ]) {
        const settings = { ClientId: 'evil', CallbackURLs: [uri] }
        const file = JSON.stringify({ UserPools: [{ PoolName: 'x', Clients: [settings] }] })
        expect(() => parseConfiguration(file, 'latchkey.yaml', {}), uri).toThrow('CallbackURLs')
        expect([uri, (await runCommand(administration, 'client.create', { settings })).ok]).toEqual([uri, false])
      }
    }
  })

  test('is not asked for beside a registered one', async () => {
    const agent = createUserAgent(pool.base)
    for (const uri of [`${callback}?${name}=evil`, `${callback}#${name}=evil`, `${callback}&${name}=evil`]) {
      const page = await agent.visit(authorizationRequest(pool.base, { client_id: 'app', redirect_uri: uri }).url)
      expect([uri, page.status, page.url.origin]).toEqual([uri, 400, pool.base])
    }
  })
})

describe('an answer says each thing once, and says what we say', () => {
  /** Parameters of a request that would be parameters of the answer, were they passed on. */
  const planted = Object.fromEntries(
    answers.filter((name) => !['state', 'scope'].includes(name)).map((n) => [n, 'evil']),
  )
  const state = 'x&code=evil&iss=evil#code=evil?code=evil;code=evil\r\ncode: evil%26code%3Devil'

  function expectClean(pairs: URLSearchParams, expected: readonly string[]): void {
    expect([...pairs.keys()].toSorted()).toEqual([...expected].toSorted())
    expect([...pairs].filter(([name, value]) => name !== 'state' && name !== 'next' && /evil/.test(value))).toEqual([])
    expect(pairs.getAll('state')).toEqual([state])
    expect(pairs.getAll('iss')).toEqual([pool.issuer])
  }

  test('by query', async () => {
    for (const [client_id, redirect_uri, more] of [
      ['app', callback, []],
      ['queried', withQuery, ['tenant', 'x']],
      ['queried', encoded, ['next']],
    ] as const) {
      const browser = createBrowser(pool.base)
      const { answer } = await browser.authorize({ ...planted, client_id, redirect_uri, state })
      expectClean(answer.searchParams, ['code', 'state', 'iss', ...more])
      expect([answer.hash, answer.username, answer.host]).toEqual(['', '', 'app.example.com'])
      const { answer: refused } = await browser.authorize({ ...planted, client_id, redirect_uri, state, scope: 'evil' })
      expectClean(refused.searchParams, ['error', 'error_description', 'state', 'iss', ...more])
    }
  })

  test('by fragment', async () => {
    const parameters = { ...planted, client_id: 'queried', redirect_uri: withQuery, state, response_type: 'token' }
    const { answer } = await createBrowser(pool.base).authorize(parameters)
    expectClean(new URLSearchParams(answer.hash.slice(1)), [
      ...['access_token', 'id_token', 'token_type', 'expires_in', 'state', 'iss'],
    ])
    expect([...answer.searchParams.keys()]).toEqual(['tenant', 'x'])
  })

  test('by form', async () => {
    const browser = createBrowser(pool.base)
    await browser.authorize()
    const parameters = { ...planted, client_id: 'queried', redirect_uri: withQuery, state, response_mode: 'form_post' }
    const page = await browser.agent.visit(authorizationRequest(pool.base, parameters).url)
    const $ = load(page.html)
    const fields = $('form input[name]')
      .toArray()
      .map((input): [string, string] => [$(input).attr('name') ?? '', $(input).attr('value') ?? ''])
    const names = Object.fromEntries(fields)
    // What a form carries of line breaks is its own affair.
    const sent = new URLSearchParams(
      fields.map(([name, value]): [string, string] => [name, name === 'state' ? state : value]),
    )
    expect(names['state']).toContain('x&code=evil')
    expectClean(sent, ['code', 'state', 'iss'])
    expect($('form').attr('action')).toBe(withQuery)
  })

  test('after signing out', async () => {
    const query = new URLSearchParams({
      client_id: 'queried',
      logout_uri: withQuery,
      state,
      code: 'evil',
      tenant: 'evil',
    })
    const response = await fetch(`${pool.base}/logout?${query.toString()}`, { redirect: 'manual' })
    const target = new URL(response.headers.get('location') ?? '')
    expect([...target.searchParams]).toEqual([
      ['tenant', 'a'],
      ['x', ''],
      ['state', state],
    ])
  })
})

test('a parameter that is sent twice is no parameter: neither of the two is taken', async () => {
  const agent = createUserAgent(pool.base)
  const usual = { client_id: 'app', redirect_uri: callback, scope: 'openid', prompt: 'login' }
  const good = authorizationRequest(pool.base, usual).url
  for (const name of [
    'state',
    'nonce',
    'scope',
    'response_type',
    'code_challenge',
    'code_challenge_method',
    'prompt',
  ]) {
    for (const url of [`${good}&${name}=evil`, good.replace('?', `?${name}=evil&`)]) {
      const { url: answer } = await agent.visit(url)
      expect([name, answer.origin + answer.pathname, answer.searchParams.get('error')]).toEqual([
        name,
        callback,
        'invalid_request',
      ])
      expect(answer.searchParams.get('state')).not.toBe('evil')
    }
  }
  for (const query of [`${good}&client_id=backend`, good.replace('?', '?client_id=backend&')]) {
    expect((await agent.visit(query)).status).toBe(400)
  }
})

test('a form field that is sent twice is neither of the two, on a page and at an endpoint', async () => {
  const agent = createUserAgent(pool.base)
  const page = await agent.visit(
    authorizationRequest(pool.base, { client_id: 'app', redirect_uri: callback, scope: 'openid', prompt: 'login' }).url,
  )
  const flow = page.field('flow') ?? ''
  const csrf = page.field('_csrf') ?? ''
  const typed = [...Object.entries({ flow, _csrf: csrf, username: 'ada@example.com', password: 'Wrong-guess-1' })]
  for (const name of ['flow', '_csrf', 'username', 'password']) {
    const body = new URLSearchParams([...typed, [name, 'evil']])
    const answer = await agent.visit('/login', { method: 'POST', body })
    expect([name, answer.status, answer.heading]).toEqual([name, 400, 'This link doesn’t work'])
  }
  const revocation = new URLSearchParams([
    ['token', 'a'],
    ['token', 'b'],
    ['client_id', 'app'],
  ])
  expect((await fetch(`${pool.base}/oauth2/revoke`, { method: 'POST', body: revocation })).status).toBe(400)
})
