import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { cookieName } from '../../src/security/cookies.ts'
import type { CookieKind } from '../../src/security/cookies.ts'
import { haveAccount } from '../support/accounts.ts'
import { startServer } from '../support/server.ts'
import type { TestServer } from '../support/server.ts'
import { startTlsFront } from '../support/tls-front.ts'
import type { TlsFront } from '../support/tls-front.ts'
import { createUserAgent } from '../support/user-agent.ts'
import type { UserAgent } from '../support/user-agent.ts'
import { goodPassword, whereItIs } from '../support/visitor.ts'
import { attackedPool, callerAt, poolId, signIn } from './support/attacked-pool.ts'

/*
 * B16, cookies from next door: ZITADEL CVE-2024-28197 set its cookie on the parent domain, where every sub-domain could read
 * it; and whoever owns a sub-domain, or the network before https, can plant one (tossing), so that the victim signs in with
 * the attacker's session id, or into the attacker's account. Over https every cookie of ours has the prefix with which
 * browsers refuse that (`__Host-`: no Domain, Secure, path `/`), a cookie without it is not looked at, and every id is new
 * when somebody signs in. Guards src/security/cookies.ts, src/oidc/provider-configuration.ts (names) and
 * src/oidc/interaction.ts. Fixation and life of the session cookie over http: test/conformance/cookies.test.ts.
 */

let front: TlsFront
let server: TestServer
beforeAll(async () => {
  front = await startTlsFront()
  server = await startServer({
    configuration: JSON.stringify({ UserPools: [attackedPool()] }),
    environment: { publicUrl: front.origin },
  })
  front.forwardTo(server.port)
  for (const name of ['victim', 'attacker']) {
    await haveAccount(server, { username: `${name}@example.com`, password: goodPassword })
  }
})
afterAll(async () => {
  await front.stop()
  await server.stop()
})

const kinds: readonly CookieKind[] = ['session', 'browser', 'interaction', 'resume']
const secureName = (kind: CookieKind): string => cookieName(kind, poolId, true)
const bareName = (kind: CookieKind): string => cookieName(kind, poolId, false)

/** A browser that notes every cookie line on the way through a whole sign-in, with a language chosen, and out again. */
async function walk(
  username: string,
  agent = createUserAgent(front.origin),
): Promise<{ agent: UserAgent; lines: string[] }> {
  const lines: string[] = []
  const request: UserAgent['request'] = async (url, init) => {
    const answer = await agent.request(url, init)
    lines.push(...answer.headers.getSetCookie())
    return answer
  }
  const follow = async (url: string): Promise<string> => {
    let target = url
    for (;;) {
      const answer = await request(target)
      const location = answer.headers.get('location')
      if (location === null || !new URL(location, target).href.startsWith(front.origin)) return location ?? target
      target = new URL(location, target).href
    }
  }
  const caller = await callerAt(front.origin, {}, agent)
  const login = await follow(caller.request.url)
  await follow(`${login}&lang=en`)
  const page = await agent.visit(login)
  if (page.heading === 'Sign in') {
    const hidden = { flow: page.field('flow') ?? '', _csrf: page.field('_csrf') ?? '' }
    const body = new URLSearchParams({ ...hidden, username, password: goodPassword })
    const answer = await request(`${front.origin}/login`, { method: 'POST', body })
    await follow(new URL(answer.headers.get('location') ?? '', front.origin).href)
  }
  return { agent, lines }
}
const whoIs = async (agent: UserAgent): Promise<string | undefined> => {
  const { page } = await callerAt(front.origin, { prompt: 'select_account' }, agent)
  return /\S+@example\.com/.exec(page.text)?.[0]
}

describe('every cookie over https', () => {
  test('is of this host alone, and out of reach of scripts, of http and of other sites', async () => {
    const { lines } = await walk('victim@example.com')
    const names = new Set(lines.map((line) => line.split('=', 1).join()))
    for (const kind of kinds) expect(names).toContain(secureName(kind))
    for (const line of lines) {
      expect(line).toMatch(/; secure/i)
      expect(line).toMatch(/; httponly/i)
      expect(line).toMatch(/; samesite=lax/i)
      expect(line).not.toMatch(/domain=/i)
      const [name = ''] = line.split('=', 1)
      // A language is nobody's secret; the engine's resume cookie is bound to its own path, which `__Host-` forbids.
      if (name === 'lang') continue
      expect(name).toMatch(name.includes('resume') ? /^__Secure-/ : /^__Host-/)
      if (name.startsWith('__Host-')) expect(line).toMatch(/; path=\/(;|$)/i)
    }
  })
})

describe('a cookie that was planted', () => {
  let attacker: UserAgent
  beforeAll(async () => {
    ;({ agent: attacker } = await walk('attacker@example.com'))
  })

  test.each(kinds)('without the prefix (%s) is not looked at', async (kind) => {
    const victim = createUserAgent(front.origin)
    victim.cookies.set(bareName(kind), attacker.cookies.get(secureName(kind)) ?? 'A'.repeat(43))
    expect(whereItIs((await callerAt(front.origin, { prompt: 'none' }, victim)).page)).toBe('the app: login_required')
    await walk('victim@example.com', victim)
    expect(await whoIs(victim)).toBe('victim@example.com')
  })

  test('beside the victim’s own, in any order and any spelling, changes nothing', async () => {
    const { agent: victim } = await walk('victim@example.com')
    const own = [...victim.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const planted = attacker.cookies.get(secureName('session')) ?? ''
    const names = [
      bareName('session'),
      secureName('session').toLowerCase(),
      ` ${bareName('session')}`,
      `__Secure-${bareName('session')}`,
      `__Host_${bareName('session')}`,
    ]
    for (const name of names.filter((one) => one !== secureName('session'))) {
      for (const cookie of [`${name}=${planted}; ${own}`, `${own}; ${name}=${planted}`]) {
        const { request } = await callerAt(front.origin, { prompt: 'select_account' })
        const answer = await fetch(request.url, { redirect: 'manual', headers: { cookie } })
        const page = await fetch(new URL(answer.headers.get('location') ?? '', front.origin), {
          headers: {
            cookie: `${cookie}; ${answer.headers
              .getSetCookie()
              .map((line) => line.split(';', 1).join())
              .join('; ')}`,
          },
        })
        const text = await page.text()
        expect(text).toContain('victim@example.com')
        expect(text).not.toContain('attacker@example.com')
      }
    }
  })

  test('of another user pool, or of nobody, is nobody’s', async () => {
    const handle = attacker.cookies.get(secureName('session')) ?? ''
    for (const cookie of [
      `${cookieName('session', 'eu-west-1_other', true)}=${handle}`,
      `${secureName('session')}=${handle.slice(0, -1)}`,
      `${secureName('session')}=${handle}A`,
      `${secureName('session')}=${handle.toLowerCase()}`,
      `${secureName('session')}=`,
    ]) {
      const { request } = await callerAt(front.origin, { prompt: 'none' })
      const answer = await fetch(request.url, { redirect: 'manual', headers: { cookie } })
      expect(answer.headers.get('location')).toContain('error=login_required')
    }
  })
})

describe('every id is new', () => {
  test('when somebody signs in, signs in again, or another one does', async () => {
    const seen = new Set<string>()
    const agent = createUserAgent(front.origin)
    const next = async (username: string): Promise<string> => {
      const { page } = await callerAt(front.origin, { prompt: 'login' }, agent)
      expect(whereItIs(await signIn(page, username))).toBe('the app')
      return agent.cookies.get(secureName('session')) ?? ''
    }
    for (const username of ['victim@example.com', 'victim@example.com', 'attacker@example.com', 'victim@example.com']) {
      const id = await next(username)
      expect(id).toMatch(/^[\w-]{43}$/)
      expect(seen).not.toContain(id)
      seen.add(id)
    }
    // And none of those before is worth anything.
    for (const old of [...seen].slice(0, -1)) {
      const thief = createUserAgent(front.origin)
      thief.cookies.set(secureName('session'), old)
      expect(whereItIs((await callerAt(front.origin, { prompt: 'none' }, thief)).page)).toBe('the app: login_required')
    }
  })

  test('when a password is reset: whoever held a session holds none', async () => {
    const { agent: thief } = await walk('victim@example.com')
    const { agent, page } = await callerAt(front.origin)
    const reset = await (await page.follow('Forgot your password?')).submit({ username: 'victim@example.com' })
    const mail = async (): Promise<string> => {
      const answer = await agent.request(`${front.origin}/dev/mail`, { headers: { accept: 'application/json' } })
      return /\b\d{6}\b/.exec(((await answer.json()) as { text: string }[])[0]?.text ?? '')?.[0] ?? ''
    }
    await expect.poll(mail).toMatch(/^\d{6}$/)
    expect(whereItIs(await reset.submit({ code: await mail(), password: goodPassword }))).toBe('the app')
    expect(whereItIs((await callerAt(front.origin, { prompt: 'none' }, thief)).page)).toBe('the app: login_required')
  })
})
