import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { createUser } from '../../src/domain/users/administer-user.ts'
import { cookieName } from '../../src/security/cookies.ts'
import { sha256 } from '../../src/security/digest.ts'
import { authorizationRequest, decode } from '../support/relying-party.ts'
import { databaseKinds } from '../support/server.ts'
import { createUserAgent } from '../support/user-agent.ts'
import type { UserAgent, VisitedPage } from '../support/user-agent.ts'
import { callback, configurationOf, createBrowser, password, poolId, startPool } from './pool.ts'
import type { ConformancePool } from './pool.ts'

/* How long a browser stays signed in: the pool's limits, those of single clients, and "Keep me signed in". */

const minute = 60
const hour = 3600
const day = 24 * hour

const configuration = configurationOf({
  pool: {
    SSOSession: { MaxValidityMinutes: 600, IdleMinutes: 60 },
    RememberMe: { MaxValidityMinutes: 43_200, IdleMinutes: 10_080 },
  },
  clients: {
    bank: { SSOSession: { MaxValidityMinutes: 10 } },
    careful: { SSOSession: { IdleMinutes: 5 } },
    never: { SSOSession: { MaxValidityMinutes: 0 } },
    patient: { SSOSession: { MaxValidityMinutes: 1200, IdleMinutes: 1200 } },
  },
})

const sessionCookie = cookieName('session', poolId, false)

describe.each(databaseKinds)('on %s', (database) => {
  let pool: ConformancePool
  beforeAll(async () => {
    pool = await startPool({ database, configuration })
  })
  afterEach(() => {
    pool.clock.ahead = 0
  })
  afterAll(() => pool.stop())

  const urlFor = (clientId: string, parameters: Record<string, string> = {}): string =>
    authorizationRequest(pool.base, { client_id: clientId, redirect_uri: callback, ...parameters }).url

  /** What this client gets without asking the person. */
  async function silently(agent: UserAgent, clientId = 'app'): Promise<string | null> {
    const { url } = await agent.visit(urlFor(clientId, { prompt: 'none' }))
    return url.searchParams.has('code') ? 'code' : url.searchParams.get('error')
  }

  async function signIn(clientId = 'app', fields: Record<string, string> = {}): Promise<UserAgent> {
    const agent = createUserAgent(pool.base)
    const page = await agent.visit(urlFor(clientId))
    expect(page.heading).toBe('Sign in')
    expect((await page.submit({ username: 'ana', password, ...fields })).url.searchParams.has('code')).toBe(true)
    return agent
  }

  const rowOf = (agent: UserAgent) =>
    pool.services.database.kysely
      .selectFrom('browser_sessions')
      .selectAll()
      .where('id_hash', '=', sha256(agent.cookies.get(sessionCookie) ?? ''))
      .executeTakeFirst()

  describe('a sign-in lasts', () => {
    test('until it has lain unused for the idle limit', async () => {
      const agent = await signIn()
      pool.clock.ahead = 59 * minute
      expect(await silently(agent)).toBe('code')
      pool.clock.ahead = 118 * minute
      expect(await silently(agent)).toBe('code')
      pool.clock.ahead = 179 * minute
      expect(await silently(agent)).toBe('login_required')
    })

    test('no longer than the absolute limit, however much it is used', async () => {
      const agent = await signIn()
      for (let used = 50; used < 600; used += 50) {
        pool.clock.ahead = used * minute
        expect(await silently(agent)).toBe('code')
      }
      pool.clock.ahead = 600 * minute + 1
      expect(await silently(agent)).toBe('login_required')
    })

    test('and being asked to sign in again is no use of it', async () => {
      const agent = await signIn('patient')
      pool.clock.ahead = 61 * minute
      for (let times = 0; times < 3; times += 1) {
        expect(await silently(agent)).toBe('login_required')
        expect((await agent.visit(urlFor('app'))).heading).toBe('Sign in')
      }
      expect(await silently(agent, 'patient')).toBe('code')
    })

    test('a use is written down as often as the shortest idle limit needs: here twice a minute', async () => {
      const agent = await signIn()
      const used = async () => (await rowOf(agent))?.last_used_at?.getTime()
      const useAt = async (seconds: number) => {
        pool.clock.ahead = seconds
        expect(await silently(agent)).toBe('code')
        return used()
      }
      expect(await useAt(20)).toBeUndefined()
      const first = await useAt(120)
      expect(first).toBeDefined()
      expect(await useAt(140)).toBe(first)
      expect(await useAt(151)).toBeGreaterThan(first ?? Infinity)
    })
  })

  describe('a client’s own limits', () => {
    test('make this client ask again, and leave the session to the others', async () => {
      const agent = await signIn('bank')
      pool.clock.ahead = 9 * minute
      expect(await silently(agent, 'bank')).toBe('code')
      pool.clock.ahead = 11 * minute
      expect(await silently(agent, 'bank')).toBe('login_required')
      expect(await silently(agent)).toBe('code')
      const page = await agent.visit(urlFor('bank'))
      expect([page.heading, page.field('username')]).toEqual(['Sign in', 'ana'])
      expect((await page.submit({ password })).url.searchParams.has('code')).toBe(true)
      expect(await silently(agent, 'bank')).toBe('code')
      expect(await silently(agent)).toBe('code')
    })

    test('of disuse count what any client used', async () => {
      const agent = await signIn('careful')
      pool.clock.ahead = 4 * minute
      expect(await silently(agent)).toBe('code')
      pool.clock.ahead = 8 * minute
      expect(await silently(agent, 'careful')).toBe('code')
      pool.clock.ahead = 14 * minute
      expect(await silently(agent, 'careful')).toBe('login_required')
      expect(await silently(agent)).toBe('code')
    })

    test('may be longer than the pool’s', async () => {
      const agent = await signIn('patient')
      pool.clock.ahead = 1199 * minute
      expect(await silently(agent)).toBe('login_required')
      expect(await silently(agent, 'patient')).toBe('code')
      pool.clock.ahead = 1200 * minute + 1
      expect(await silently(agent, 'patient')).toBe('login_required')
    })

    test('of zero: each request asks, and each is answered', async () => {
      const agent = await signIn('never')
      expect(await silently(agent, 'never')).toBe('login_required')
      expect(await silently(agent)).toBe('code')
      for (let times = 0; times < 2; times += 1) {
        const page = await agent.visit(urlFor('never'))
        expect(page.heading).toBe('Sign in')
        expect((await page.submit({ password })).url.searchParams.has('code')).toBe(true)
      }
    })
  })

  describe('“Keep me signed in”', () => {
    const setCookies = async (agent: UserAgent, url: string): Promise<string[]> =>
      (await agent.request(url)).headers.getSetCookie().filter((line) => line.startsWith(sessionCookie))
    const maxAge = (line: string | undefined): number => Number(/max-age=(\d+)/i.exec(line ?? '')?.[1])

    test('is a box that nobody has ticked', async () => {
      const page = await createUserAgent(pool.base).visit(urlFor('app'))
      expect(page.html).toMatch(/<input name="rememberMe" type="checkbox" value="1">/)
    })

    test('ticked, lasts for its own limits', async () => {
      const agent = await signIn('app', { rememberMe: '1' })
      pool.clock.ahead = 6 * day
      expect(await silently(agent)).toBe('code')
      const [line] = await setCookies(agent, urlFor('app', { prompt: 'none' }))
      expect(maxAge(line)).toBeGreaterThan(6 * day)
      expect(line).not.toMatch(/expires=/i)
      for (let used = 12; used < 30; used += 6) {
        pool.clock.ahead = used * day
        expect(await silently(agent)).toBe('code')
      }
      pool.clock.ahead = 30 * day + 1
      expect(await silently(agent)).toBe('login_required')
    })

    test('ticked, and not used for a week, is over', async () => {
      const agent = await signIn('app', { rememberMe: '1' })
      pool.clock.ahead = 7 * day + 1
      expect(await silently(agent)).toBe('login_required')
    })

    test('does not lift the limit of a client that has one, which offers no box', async () => {
      const agent = await signIn('app', { rememberMe: '1' })
      pool.clock.ahead = 11 * minute
      expect(await silently(agent, 'bank')).toBe('login_required')
      const page = await agent.visit(urlFor('bank'))
      expect(page.html).not.toContain('rememberMe')
      await page.submit({ password })
      // Signed in there once more, the same person is still kept signed in.
      pool.clock.ahead = 3 * day
      expect(await silently(agent)).toBe('code')
    })

    test('not ticked, the cookie ends with the browser', async () => {
      const agent = await signIn('app')
      const [line] = await setCookies(agent, urlFor('app', { prompt: 'none' }))
      expect(line).toMatch(/; httponly/i)
      expect(line).not.toMatch(/expires=|max-age=/i)
    })

    test('is taken back by a sign-in without it', async () => {
      const agent = await signIn('app', { rememberMe: '1' })
      const page = await agent.visit(urlFor('app', { prompt: 'login' }))
      expect(page.html).toMatch(/name="rememberMe" type="checkbox" value="1" checked/)
      const unticked = await tickless(page, agent)
      expect(unticked.url.searchParams.has('code')).toBe(true)
      pool.clock.ahead = 2 * hour
      expect(await silently(agent)).toBe('login_required')
    })

    /** Sends the form as a browser does when the box was emptied. */
    async function tickless(page: VisitedPage, agent: UserAgent): Promise<VisitedPage> {
      const hidden = { _csrf: page.field('_csrf') ?? '', flow: page.field('flow') ?? '' }
      const body = new URLSearchParams({ ...hidden, username: 'ana', password })
      return agent.visit(`${pool.base}/login?client_id=app`, { method: 'POST', body })
    }

    test('is not handed on to the next person at the same browser', async () => {
      const { userPool } = await pool.snapshot()

      await createUser(pool.domain, { userPool, username: 'guest', attributes: {}, password, permanent: true })
      const agent = await signIn('app', { rememberMe: '1' })
      const page = await agent.visit(urlFor('bank', { prompt: 'login' }))
      expect((await page.submit({ username: 'guest', password })).url.searchParams.has('code')).toBe(true)
      pool.clock.ahead = 2 * hour
      expect(await silently(agent)).toBe('login_required')
    })
  })

  test('whoever signs in again gets a new time of authentication and another handle', async () => {
    const browser = createBrowser(pool.base)
    const first = await browser.signIn()
    const before = browser.agent.cookies.get(sessionCookie)
    pool.clock.ahead = 61 * minute
    const second = await browser.signIn()
    expect(Number(decode(second.idToken)['auth_time'])).toBeGreaterThan(Number(decode(first.idToken)['auth_time']))
    expect(browser.agent.cookies.get(sessionCookie)).not.toBe(before)
  })
})

test('without settings a sign-in lasts an hour, the cookie says so, and there is no box', async () => {
  const pool = await startPool()
  try {
    const browser = createBrowser(pool.base)
    await browser.authorize()
    const { url } = authorizationRequest(pool.base, { client_id: 'app', redirect_uri: callback, prompt: 'none' })
    const line = (await browser.agent.request(url)).headers
      .getSetCookie()
      .find((text) => text.startsWith(sessionCookie))
    const seconds = Number(/max-age=(\d+)/i.exec(line ?? '')?.[1])
    expect(seconds).toBeGreaterThan(3590)
    expect(seconds).toBeLessThanOrEqual(3600)
    const login = await createUserAgent(pool.base).visit(url.replace('&prompt=none', ''))
    expect([login.heading, login.html.includes('rememberMe')]).toEqual(['Sign in', false])
    pool.clock.ahead = 3601
    const { answer } = await browser.authorize({ prompt: 'none' })
    expect(answer.searchParams.get('error')).toBe('login_required')
  } finally {
    await pool.stop()
  }
})
