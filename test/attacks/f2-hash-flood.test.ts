import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { haveAccount } from '../support/accounts.ts'
import { startServer } from '../support/server.ts'
import type { TestServer } from '../support/server.ts'
import { maximumPasswordLength } from '../../src/security/password-hash.ts'
import { whereItIs } from '../support/visitor.ts'
import { callerAt, machineSecret, redeem, signIn } from './support/attacked-pool.ts'
import { stepPools, steps } from './support/steps.ts'
import type { Step } from './support/steps.ts'

/*
 * F2, the flood of passwords to be hashed (OWASP): each costs 19 MiB and tens of milliseconds by design, so a few hundred
 * forms a second stop a server that takes them all on. Here only so many wait; whoever comes on top is told 503 and when to
 * come back, never "wrong password", and nothing of theirs is spent. Everything that hashes nothing goes on beside it: pages,
 * tokens, refreshes, keys. Guards src/security/password-hash.ts (admission) and src/app/request-errors.ts. The queue itself:
 * test/security/admission.test.ts. Limits by address and account stand before it, and have tests of their own; so the flood
 * comes from within, as if it had got past them.
 */

let server: TestServer
beforeAll(async () => {
  // It is their number that counts here, and the queue is worked off in the end.
  server = await startServer({ configuration: stepPools() })
})
afterAll(() => server.stop())

/** Fills the queue to its end and keeps it full until `stop`. */
function flood(): { isFull: Promise<void>; stop(): Promise<void> } {
  const { passwordHasher } = server.services.domain
  const flooding = { going: true }
  let full: () => void
  let endless: (error: unknown) => void
  const isFull = new Promise<void>((resolve, reject) => {
    full = resolve
    endless = reject
  })
  const under: Promise<unknown>[] = []
  const one = async (): Promise<void> => {
    while (flooding.going) await passwordHasher.hash('Analytical-1843')
  }
  // One at a time, until the first is refused: then there is no room, and each that ends begins the next.
  const fill = async (): Promise<void> => {
    // With no end to the queue this would have none either.
    for (let waiting = 0; waiting < 10_000; waiting += 1) {
      let refused = false
      under.push(
        one().catch(() => {
          refused = true
        }),
      )
      await new Promise((resolve) => setImmediate(resolve))
      if (refused) return full()
    }
    flooding.going = false
    throw new Error('as many hashes wait as are asked for')
  }
  const filling = fill().catch((error: unknown) => endless(error))
  return {
    isFull,
    async stop() {
      flooding.going = false
      await filling
      await Promise.all(under)
    },
  }
}

const hashing = ['login', 'signUp', 'resetPassword', 'newPassword', 'confirmLinkElsewhere']

describe('while more passwords wait to be hashed than may wait', () => {
  const before: Record<string, Step> = {}
  let tokens: { access_token?: string; refresh_token?: string }
  let session: Awaited<ReturnType<typeof callerAt>>
  let waiting: ReturnType<typeof flood>
  beforeAll(async () => {
    for (const name of Object.keys(steps)) before[name] = await steps[name]!(server)
    await haveAccount(server, { username: 'ada@example.com', password: 'Analytical-1843' })
    session = await callerAt(server.publicUrl)
    tokens = (await redeem(server.publicUrl, session, await signIn(session.page, 'ada@example.com'))).body
    waiting = flood()
    await waiting.isFull
  })
  afterAll(() => waiting.stop())

  const submit = ({ agent, action, hidden, right }: Step) =>
    agent.visit(action, { method: 'POST', body: new URLSearchParams({ ...hidden, ...right }) })

  test.each(hashing)('%s is told to come back, and not that it was wrong', async (name) => {
    const page = await submit(before[name]!)
    expect([page.status, page.heading]).toEqual([503, 'Back in a moment'])
    expect(Number(page.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(page.headers.get('cache-control')).toBe('no-store')
  })

  test('what needs no hash is answered, all of it', async () => {
    const { publicUrl } = server
    const { page } = await callerAt(publicUrl)
    expect(page.heading).toBe('Sign in')
    for (const link of ['Create an account', 'Forgot your password?'])
      expect((await page.follow(link)).status).toBe(200)
    expect(whereItIs((await callerAt(publicUrl, { prompt: 'none' }, session.agent)).page)).toBe('the app')
    for (const name of ['selectAccount', 'consent', 'confirm', 'confirmLink', 'forgotPassword']) {
      expect([name, whereItIs(await submit(before[name]!))]).toEqual([name, before[name]?.done])
    }
    const post = (path: string, form: Record<string, string>) =>
      fetch(`${publicUrl}${path}`, { method: 'POST', body: new URLSearchParams(form) })
    const machine = { grant_type: 'client_credentials', client_id: 'machine', client_secret: machineSecret }
    expect((await post('/oauth2/token', machine)).status).toBe(200)
    const refresh = { grant_type: 'refresh_token', client_id: 'email', refresh_token: tokens.refresh_token ?? '' }
    expect((await post('/oauth2/token', refresh)).status).toBe(200)
    const headers = { authorization: `Bearer ${tokens.access_token}` }
    expect((await fetch(`${publicUrl}/oauth2/userInfo`, { headers })).status).toBe(200)
    expect((await post('/oauth2/revoke', { client_id: 'email', token: 'x' })).status).toBe(200)
    for (const path of ['/healthz', '/readyz', '/eu-west-1_email/.well-known/jwks.json']) {
      expect((await fetch(`${publicUrl}${path}`)).status).toBe(200)
    }
  })

  test('a code is redeemed: signing finds a thread', async () => {
    const caller = await callerAt(server.publicUrl, {}, session.agent)
    expect((await redeem(server.publicUrl, caller, caller.page)).status).toBe(200)
  })

  test('a password too long to be hashed is not put into the queue', async () => {
    const { agent, action, hidden, right } = before['login']!
    const body = new URLSearchParams({ ...hidden, ...right, password: 'x'.repeat(maximumPasswordLength + 1) })
    const page = await agent.visit(action, { method: 'POST', body })
    expect(page.status).toBe(200)
    expect(page.text).toContain('Incorrect username or password.')
  })

  test('an empty one neither', async () => {
    const { agent, action, hidden, right } = before['login']!
    const body = new URLSearchParams({ ...hidden, ...right, password: '' })
    expect((await agent.visit(action, { method: 'POST', body })).text).toContain('Please enter your password.')
  })

  test('when it is over, the same forms do what they are for: nothing was spent', async () => {
    await waiting.stop()
    for (const name of hashing) {
      expect([name, whereItIs(await submit(before[name]!))]).toEqual([name, before[name]?.done])
    }
  })
})
