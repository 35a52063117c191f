import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { cookieName } from '../../src/security/cookies.ts'
import type { CookieKind } from '../../src/security/cookies.ts'
import { authorizationRequest } from '../support/relying-party.ts'
import { createUserAgent } from '../support/user-agent.ts'
import type { UserAgent } from '../support/user-agent.ts'
import { ana, callback, configurationOf, createBrowser, otherPoolId, password, poolId, startPool } from './pool.ts'
import type { ConformancePool } from './pool.ts'
import { rawRequest } from './raw-request.ts'
import type { RawAnswer } from './raw-request.ts'

let pool: ConformancePool
beforeAll(async () => {
  pool = await startPool()
})
afterAll(() => pool.stop())

const name = (kind: CookieKind, id = poolId): string => cookieName(kind, id, false)
const sessionName = name('session')

/** Every Set-Cookie line of a whole login, from the request to the callback. */
async function cookiesOfLogin(agent: UserAgent): Promise<string[]> {
  const lines: string[] = []
  const recording = async (url: string, init?: RequestInit): Promise<Response> => {
    const response = await agent.request(url, init)
    lines.push(...response.headers.getSetCookie())
    return response
  }
  const { url } = authorizationRequest(pool.base, { client_id: 'app', redirect_uri: callback })
  const toLogin = await recording(url)
  const login = await recording(new URL(toLogin.headers.get('location') ?? '', pool.base).href)
  const html = await login.text()
  const hidden = (name: string): string => new RegExp(`name="${name}" value="([^"]*)"`).exec(html)?.[1] ?? ''
  const body = new URLSearchParams({ _csrf: hidden('_csrf'), flow: hidden('flow'), username: 'ana', password })
  const posted = await recording(`${pool.base}/login`, { method: 'POST', body })
  const answer = await recording(new URL(posted.headers.get('location') ?? '', pool.base).href)
  expect(answer.headers.get('location')).toMatch(/^https:\/\/app\.example\.com\/callback\?code=/)
  return lines
}

describe('the cookies of a login', () => {
  test('are HttpOnly, SameSite=Lax and of this host alone, with random values', async () => {
    const lines = await cookiesOfLogin(createUserAgent(pool.base))
    const names = new Set(lines.map((line) => line.split('=', 1).join()))
    expect([...names].toSorted()).toEqual([
      ...(['browser', 'interaction', 'known', 'resume'] as const).map((kind) => name(kind)),
      sessionName,
    ])
    for (const line of lines) {
      expect(line).toMatch(/; httponly/i)
      expect(line).toMatch(/; samesite=lax/i)
      expect(line).toMatch(/; path=\//i)
      expect(line).not.toMatch(/domain=/i)
      expect(line).toMatch(/^[\w-]+=([\w-]{21,})?;/)
    }
  })

  test('tell how long they live, and not until when: a browser’s clock may be wrong', async () => {
    const lines = await cookiesOfLogin(createUserAgent(pool.base))
    const life = (line: string): number => Number(/; max-age=(\d+)/i.exec(line)?.[1])
    const gone = lines.filter((line) => /^[^=]+=;/.test(line))
    expect(gone.map((line) => [line.split('=', 1).join(), life(line)])).toEqual([[name('resume'), 0]])
    // An hour a flow and a session; the browser's handle outlives the flow by the day for which it may be begun anew. What
    // it is known by to those who have signed in with it lives as long as browsers let a cookie live.
    const lives = new Map([[name('browser'), 25 * 3600], [name('known'), 400 * 86_400]]) // prettier-ignore
    for (const line of lines.filter((each) => !gone.includes(each))) {
      expect(line).not.toMatch(/expires=/i)
      const longest = lives.get(line.split('=', 1).join()) ?? 3600
      expect(life(line)).toBeGreaterThan(longest - 10)
      expect(life(line)).toBeLessThanOrEqual(longest)
    }
    const { agent } = createBrowser(pool.base)
    const { url } = authorizationRequest(pool.base, { client_id: 'app', redirect_uri: callback })
    const page = await agent.visit(url)
    // Another request binds the handle for as long as its own flow may take; a page changes nothing.
    const again = (await agent.request(url)).headers.getSetCookie().filter((line) => line.startsWith(name('browser')))
    expect(again.map(life)).toEqual([25 * 3600])
    expect((await agent.request(page.url.href)).headers.getSetCookie()).toEqual([])
    const chosen = await agent.request(`${page.url.href}&lang=de`)
    expect(chosen.headers.getSetCookie()).toContainEqual(expect.stringMatching(/^lang=de; Path=\/; Max-Age=31536000;/))
  })

  test('hold nothing that tells of the user', async () => {
    const lines = (await cookiesOfLogin(createUserAgent(pool.base))).join('\n')
    const user = await pool.domain.store.users.findByIdentifier(poolId, ana.Username)
    expect(lines).not.toContain(user?.sub)
    // A random handle may hold any three letters.
    expect(lines.replaceAll(/=[\w-]{21,43}(?=;)/g, '=')).not.toMatch(/ana|eyJ/)
  })

  test('are stored as a hash only', async () => {
    const browser = createBrowser(pool.base)
    await browser.authorize()
    const handle = browser.agent.cookies.get(sessionName) ?? ''
    expect(handle).toMatch(/^[\w-]{43}$/)
    const known = browser.agent.cookies.get(name('known')) ?? ''
    expect(known).toMatch(/^[\w-]{43}$/)
    const { kysely } = pool.services.database
    const rows = [
      await kysely.selectFrom('browser_sessions').selectAll().execute(),
      await kysely.selectFrom('known_browsers').selectAll().execute(),
    ]
    for (const { length } of rows) expect(length).toBeGreaterThan(0)
    for (const secret of [handle, known]) expect(JSON.stringify(rows)).not.toContain(secret)
  })
})

describe('the session’s id', () => {
  test('that somebody planted is not kept at login (threat row B16)', async () => {
    const planted = 'A'.repeat(43)
    const browser = createBrowser(pool.base)
    browser.agent.cookies.set(sessionName, planted)
    await browser.authorize()
    expect(browser.agent.cookies.get(sessionName)).not.toBe(planted)
    const thief = createBrowser(pool.base)
    thief.agent.cookies.set(sessionName, planted)
    const { answer } = await thief.authorize({ prompt: 'none' })
    expect(answer.searchParams.get('error')).toBe('login_required')
  })

  test('changes when the same person signs in again, and the old one is worth nothing', async () => {
    const browser = createBrowser(pool.base)
    await browser.authorize()
    const before = browser.agent.cookies.get(sessionName) ?? ''
    await browser.authorize({ prompt: 'login' })
    expect(browser.agent.cookies.get(sessionName)).not.toBe(before)
    expect((await browser.authorize({ prompt: 'none' })).answer.searchParams.has('code')).toBe(true)
    const thief = createBrowser(pool.base)
    thief.agent.cookies.set(sessionName, before)
    const { answer } = await thief.authorize({ prompt: 'none' })
    expect(answer.searchParams.get('error')).toBe('login_required')
  })

  test('stays while nobody signs in', async () => {
    const browser = createBrowser(pool.base)
    await browser.authorize()
    const before = browser.agent.cookies.get(sessionName)
    await browser.authorize()
    expect(browser.agent.cookies.get(sessionName)).toBe(before)
  })

  test.each(['', 'x', 'A'.repeat(5000), '../../etc', '"', '%00', '__proto__'])(
    'may be nonsense: %.20j',
    async (value) => {
      const browser = createBrowser(pool.base)
      browser.agent.cookies.set(sessionName, value)
      browser.agent.cookies.set(name('browser'), value)
      const { answer } = await browser.authorize()
      expect(answer.searchParams.has('code')).toBe(true)
    },
  )

  test('lives an hour from the login, however much it is used', async () => {
    const browser = createBrowser(pool.base)
    await browser.authorize()
    try {
      pool.clock.ahead = 3500
      expect((await browser.authorize({ prompt: 'none' })).answer.searchParams.has('code')).toBe(true)
      pool.clock.ahead = 3605
      const { answer } = await browser.authorize({ prompt: 'none' })
      expect(answer.searchParams.get('error')).toBe('login_required')
    } finally {
      pool.clock.ahead = 0
    }
  })
})

describe('two pools under one host (threat row C22)', () => {
  test('do not share a session, nor take each other’s cookies or flows', async () => {
    const other = `${pool.base}/${otherPoolId}`
    const browser = createBrowser(pool.base)
    await browser.authorize()
    const handle = browser.agent.cookies.get(sessionName) ?? ''
    const theirs = createBrowser(other)
    for (const [key, value] of browser.agent.cookies) theirs.agent.cookies.set(key, value)
    theirs.agent.cookies.set(name('session', otherPoolId), handle)
    const { answer } = await theirs.authorize({ prompt: 'none' })
    expect(answer.searchParams.get('error')).toBe('login_required')
    expect(answer.searchParams.get('iss')).toBe(other)
  })

  test('a flow begun at one is unknown to the other', async () => {
    const agent = createUserAgent(pool.base)
    const { url } = authorizationRequest(pool.base, { client_id: 'app', redirect_uri: callback })
    const page = await agent.visit(url)
    const handle = agent.cookies.get(name('browser')) ?? ''
    agent.cookies.set(name('browser', otherPoolId), handle)
    const there = await agent.visit(`${pool.base}/${otherPoolId}/login${page.url.search}`)
    expect(there.status).toBe(400)
    expect((await agent.visit(page.url.href)).heading).toBe('Sign in')
  })

  test('a pool reached by path signs in there', async () => {
    const other = `${pool.base}/${otherPoolId}`
    const agent = createUserAgent(pool.base)
    const { url } = authorizationRequest(other, { client_id: 'app', redirect_uri: callback })
    const page = await agent.visit(url)
    expect(page.url.pathname).toBe(`/${otherPoolId}/login`)
    const answer = await page.submit({ username: 'ana', password })
    expect(answer.url.searchParams.get('iss')).toBe(other)
    expect([...agent.cookies.keys()].every((key) => key.endsWith(otherPoolId))).toBe(true)
  })
})

test('on https, behind a front that ends TLS, every cookie is Secure and bound to its host, until sign-out', async () => {
  const host = 'login.example.com'
  const secured = await startPool({ configuration: configurationOf({ pool: { Domains: [host] } }) })
  try {
    const jar = new Map<string, string>()
    const lines: string[] = []
    const ask = async (address: string, form?: Record<string, string>): Promise<RawAnswer> => {
      const { pathname, search } = new URL(address, `https://${host}`)
      const cookie = [...jar].map(([key, value]) => `${key}=${value}`).join('; ')
      const headers = { host, cookie, 'content-type': 'application/x-www-form-urlencoded' }
      const body = form && new URLSearchParams(form).toString()
      const answer = await rawRequest(secured.port, `${pathname}${search}`, {
        headers,
        ...(body === undefined ? {} : { method: 'POST', body }),
      })
      for (const line of answer.headers['set-cookie'] ?? []) {
        const [, key = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
        lines.push(line)
        if (value === '') jar.delete(key)
        else jar.set(key, value)
      }
      return answer
    }
    const { url } = authorizationRequest(`https://${host}`, { client_id: 'app', redirect_uri: callback })
    const login = (await ask(url)).headers.location ?? ''
    const { body } = await ask(`${login}&lang=en`)
    const hidden = (field: string): string => new RegExp(`name="${field}" value="([^"]*)"`).exec(body)?.[1] ?? ''
    const typed = { _csrf: hidden('_csrf'), flow: hidden('flow'), username: 'ana', password }
    const resume = (await ask('/login', typed)).headers.location ?? ''
    expect((await ask(resume)).headers.location).toContain(`${callback}?code=`)
    const session = cookieName('session', poolId, true)
    expect(jar.has(session)).toBe(true)
    const out = await ask(`/logout?client_id=app&logout_uri=${encodeURIComponent('https://app.example.com/')}`)
    expect([out.status, jar.has(session)]).toEqual([303, false])
    for (const line of lines) {
      expect(line).toMatch(/; secure/i)
      expect(line).toMatch(/^(__Host-|__Secure-lk_resume_|lang=)/)
      if (line.startsWith('__Host-')) expect(line).toMatch(/; path=\/;/i)
      expect(line).not.toMatch(/domain=/i)
    }
  } finally {
    await secured.stop()
  }
})
