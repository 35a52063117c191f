import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { guessesIn } from '../support/guesses-in-time.ts'
import { authorizationRequest, basic } from '../support/relying-party.ts'
import { startTwoProcesses } from '../support/two-processes.ts'
import type { TwoProcesses } from '../support/two-processes.ts'
import { createUserAgent } from '../support/user-agent.ts'
import type { VisitedPage } from '../support/user-agent.ts'

/* Threat row B6: many guesses at once, at two processes, all find "four failures", and all are looked at. */

const callback = 'https://app.example/callback'
const password = 'Analytical-1843'
const secret = 'a-s3cret-that-is-not-guessed'

describe('two hundred guesses at once, over two processes', () => {
  let servers: TwoProcesses
  beforeAll(async () => {
    servers = await startTwoProcesses((origins) => [
      {
        PoolName: 'people',
        Default: true,
        Domains: origins,
        Clients: [
          { ClientId: 'web', CallbackURLs: [callback] },
          {
            ClientId: 'machine',
            ClientSecret: secret,
            AllowedOAuthFlows: ['client_credentials'],
            AllowedOAuthScopes: ['api/read'],
          },
        ],
        ResourceServers: [{ Identifier: 'api', Name: 'API', Scopes: [{ ScopeName: 'read' }] }],
        Users: [{ Username: 'ada', Password: password, Attributes: { email: 'ada@example.com' } }],
      },
    ])
  })
  afterAll(() => servers.stop())

  /** A browser with nothing of ours, at the sign-in page of one of the two. */
  const stranger = (url: string): Promise<VisitedPage> =>
    createUserAgent(url).visit(authorizationRequest(url, { client_id: 'web', redirect_uri: callback }).url)

  test('at one password: no more are looked at than one after the other', async () => {
    const pages = await Promise.all(Array.from({ length: 200 }, (_, index) => stranger(servers.urls[index % 2]!)))
    const began = performance.now()
    const answers = await Promise.all(
      pages.map((page, index) => page.submit({ username: 'ada', password: `Wrong-guess-${index}` })),
    )
    const allowed = guessesIn(performance.now() - began)
    const lookedAt = answers.filter(({ text }) => text.includes('Incorrect username or password.'))
    const refused = answers.filter(({ text }) => text.includes('Password attempts exceeded'))
    expect(lookedAt.length + refused.length).toBe(200)
    expect(lookedAt.length).toBeGreaterThanOrEqual(5)
    expect(lookedAt.length).toBeLessThanOrEqual(allowed)
    expect(new Set(refused.map(({ status }) => status))).toEqual(new Set([429]))
    expect(refused.every(({ headers }) => Number(headers.get('retry-after')) >= 1)).toBe(true)
  })

  test('at one client’s secret: each process looks at five at once, and each knows of the other’s', async () => {
    const guess = async (url: string, value: string): Promise<number> => {
      const response = await fetch(`${url}/oauth2/token`, {
        method: 'POST',
        headers: { authorization: basic('machine', value) },
        body: new URLSearchParams({ grant_type: 'client_credentials' }),
      })
      await response.arrayBuffer()
      return response.status
    }
    const began = performance.now()
    const statuses = await Promise.all(
      Array.from({ length: 200 }, (_, index) => guess(servers.urls[index % 2]!, `wrong-guess-number-${index}`)),
    )
    const allowed = guessesIn(performance.now() - began)
    const lookedAt = statuses.filter((status) => status === 401)
    expect(lookedAt.length).toBeGreaterThanOrEqual(5)
    expect(lookedAt.length).toBeLessThanOrEqual(allowed)
    expect(statuses.filter((status) => status === 429)).toHaveLength(200 - lookedAt.length)
    // The lock of a later guess, which outlasts this test. A process knows of it once it has refused another guess.
    const database = new pg.Client({ connectionString: servers.databaseUrl })
    await database.connect()
    await database.query(`update guess_counters set locked_until = now() + interval '1 hour'`)
    await database.end()
    for (const url of servers.urls) expect(await guess(url, `wrong-guess-at-${url}`)).toBe(429)
    for (const url of servers.urls) expect(await guess(url, secret)).toBe(429)
  })
})
