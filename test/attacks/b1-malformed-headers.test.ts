import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startServer } from '../support/server.ts'
import type { TestServer } from '../support/server.ts'
import { callback } from '../support/visitor.ts'
import { callerAt } from './support/attacked-pool.ts'
import { brokenHeaders, bundles, forwardingHeaders } from './support/hostile-headers.ts'
import { sendRequest } from './support/raw-socket.ts'
import type { RawAnswer } from './support/raw-socket.ts'
import { stepPools, steps } from './support/steps.ts'
import type { Step } from './support/steps.ts'

/*
 * B1, the step that is skipped because a header could not be read: authentik CVE-2024-47070, where `X-Forwarded-For: a`
 * made a policy throw, and the exception counted as a pass of the password stage. Every header that a server might read is
 * sent, broken, with every page and every form in the middle of its flow, without the proof that the step asks for: it is
 * still asked for, nothing fails on our side, and with the proof and the same header the step is done. Guards
 * src/app/request-errors.ts (what throws, denies), src/hosted/open-step.ts, src/hosted/language.ts, src/oidc/interaction.ts.
 * That forwarding headers change nothing in what comes back: f8-trusted-hosts. Requests that are none: f1-broken-requests.
 */

let server: TestServer
beforeAll(async () => {
  server = await startServer({ configuration: stepPools() })
})
afterAll(() => server.stop())

const everyHeader = [...forwardingHeaders, ...brokenHeaders]
/** That the body is packed is refused by itself, and would hide what the others do. */
const isPacked = ([first = '']: readonly string[]): boolean => first === 'Content-Encoding: gzip'
const unpacked = everyHeader.filter((lines) => !isPacked(lines))
/** One by one in front of the password, where the attack was; elsewhere several at once. */
const headersFor = (name: string) =>
  name === 'login' ? everyHeader : [...bundles(unpacked), ...everyHeader.filter(isPacked)]
const encode = (fields: Record<string, string>): string => new URLSearchParams(fields).toString()

/** As a browser with these cookies, and with these lines besides: their own cookies stand before it. */
function ask(step: Pick<Step, 'agent'>, url: string, lines: readonly string[], body?: string): Promise<RawAnswer> {
  const cookie = [...step.agent.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  const theirs = lines.filter((line) => line.startsWith('Cookie: ')).map((line) => line.slice(8))
  const cookies = `Cookie: ${[...theirs, cookie].join('; ')}`
  const others = lines.filter((line) => !line.startsWith('Cookie: '))
  const { host, pathname, search } = new URL(url, server.publicUrl)
  const options = body === undefined ? {} : { method: 'POST', body }
  return sendRequest(server.port, `${pathname}${search}`, [`Host: ${host}`, cookies, ...others], options)
}

const isRefused = ({ status, headers, text }: RawAnswer, what: string): void => {
  expect(status, what).toBeGreaterThanOrEqual(200)
  expect(status, what).toBeLessThan(500)
  expect(text, what).not.toMatch(/[?&#]code=|"access_token"/)
  // No further: the page itself, or the way back to one; neither the app nor the engine.
  expect(headers.get('location') ?? '/login', what).toMatch(
    /^\/(login|signup|confirm|resetPassword|forgotPassword|consent|changePassword|selectAccount)\b/,
  )
}

const needsProof = ['login', 'signUp', 'confirm', 'forgotPassword', 'resetPassword', 'newPassword', 'consent']

describe.each(needsProof)('in front of the form of %s', (name) => {
  let step: Step
  beforeAll(async () => {
    step = await steps[name]!(server)
  })

  test('no header makes its proof needless', async () => {
    const empty = encode({ ...step.hidden, ...Object.fromEntries(Object.keys(step.right).map((field) => [field, ''])) })
    for (const lines of headersFor(name)) {
      const what = lines.join(' | ').slice(0, 100)
      isRefused(await ask(step, step.page.url.href, lines), what)
      isRefused(await ask(step, step.action, lines, empty), what)
      isRefused(await ask(step, step.action, lines, encode(step.hidden)), what)
    }
  })

  test('no header makes a step behind it reachable', async () => {
    const query = new URL(step.page.url).searchParams.toString()
    const own = step.page.url.pathname
    for (const path of ['/changePassword', '/resetPassword', '/consent', '/confirm'].filter((other) => other !== own)) {
      for (const lines of bundles(everyHeader)) {
        const { status, headers } = await ask(step, `${path}?${query}`, lines)
        expect([path, status]).toEqual([path, 303])
        // Open pages lead to the first one, others to themselves.
        expect(headers.get('location')).toMatch(new RegExp(`^(${own}|/login)\\?`))
      }
    }
  })

  test('no header lets the engine go on before the step is done', async () => {
    const resume = [...step.agent.cookies].find(([cookie]) => cookie.includes('interaction'))?.[1] ?? 'none'
    for (const lines of headersFor(name)) {
      const { status, headers, text } = await ask(step, `/oauth2/authorize/${resume}`, lines)
      expect(status).toBeLessThan(500)
      expect(`${headers.get('location')} ${text}`).not.toMatch(/[?&]code=/)
    }
  })
})

describe('with the proof', () => {
  test('no header keeps anybody out', async () => {
    const { agent } = await steps['selectAccount']!(server)
    for (const lines of bundles(unpacked)) {
      const { page } = await callerAt(server.publicUrl, { prompt: 'select_account' }, agent)
      const hidden = { flow: page.field('flow') ?? '', _csrf: page.field('_csrf') ?? '' }
      const { status, headers, text } = await ask({ agent }, page.url.href, lines, encode(hidden))
      expect([status, headers.get('location')], text).toEqual([303, expect.stringContaining('/oauth2/authorize/')])
    }
  })
})

describe('without anybody signed in', () => {
  const stranger = { agent: { cookies: new Map<string, string>() } } as unknown as Step
  const request = encode({
    client_id: 'email',
    redirect_uri: callback,
    response_type: 'code',
    prompt: 'none',
    code_challenge: 'x'.repeat(43),
    code_challenge_method: 'S256',
  })

  test('no header makes an app believe that there is', async () => {
    for (const lines of everyHeader) {
      const { status, headers } = await ask(stranger, `/oauth2/authorize?${request}`, lines)
      expect([lines[0], status]).toEqual([lines[0], 303])
      expect(headers.get('location')).toMatch(/^https:\/\/app\.example\/callback\?error=login_required/)
    }
  })

  test('no header is as good as a token or a secret', async () => {
    for (const lines of everyHeader) {
      const asked = await ask(stranger, '/oauth2/userInfo', lines)
      expect([400, 401], lines[0]).toContain(asked.status)
      const token = await ask(
        stranger,
        '/oauth2/token',
        lines,
        encode({ grant_type: 'client_credentials', client_id: 'machine' }),
      )
      expect([400, 401], lines[0]).toContain(token.status)
      expect(token.text).not.toContain('access_token')
      const revoked = await ask(stranger, '/oauth2/revoke', lines, encode({ client_id: 'machine', token: 'x' }))
      expect([400, 401, 403], lines[0]).toContain(revoked.status)
    }
  })
})
