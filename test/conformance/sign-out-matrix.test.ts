import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runCommand } from '../../src/app/administration/run-command.ts'
import { createUser } from '../../src/domain/users/administer-user.ts'
import { authorizationRequest } from '../support/relying-party.ts'
import { databaseKinds } from '../support/server.ts'
import { createUserAgent } from '../support/user-agent.ts'
import {
  callback,
  codeForm,
  configurationOf,
  createBrowser,
  otherPoolId,
  password,
  poolId,
  refresh,
  secret,
  startPool,
  userInfo,
} from './pool.ts'
import type { Browser, ConformancePool, Tokens } from './pool.ts'

/* What dies by which way of signing out, and what does not. */

interface Person {
  username: string
  browser: Browser
  otherBrowser: Browser
  tokens: Tokens
  otherClient: Tokens
}

interface Scene {
  person: Person
  bystander: Person
  otherPool: Person
}

describe.each(databaseKinds)('on %s', (database) => {
  let pool: ConformancePool
  beforeAll(async () => {
    pool = await startPool({
      database,
      configuration: configurationOf({ pool: { AutoVerifiedAttributes: ['email'] } }),
    })
  })
  afterAll(() => pool.stop())

  const baseOf = (userPoolId: string): string => (userPoolId === poolId ? pool.base : `${pool.base}/${otherPoolId}`)

  let count = 0
  async function join(userPoolId = poolId): Promise<Person> {
    count += 1
    const username = `person${count}`
    const snapshot = await pool.services.directory.get(userPoolId)
    if (snapshot === undefined) throw new Error('the pool is gone')
    const attributes = { email: `${username}@example.org`, email_verified: 'true' }
    const { userPool } = snapshot
    const made = await createUser(pool.domain, { userPool, username, attributes, password, permanent: true })
    if (made.kind !== 'done') throw new Error(made.reason)
    const base = baseOf(userPoolId)
    const [browser, otherBrowser] = [createBrowser(base, { username }), createBrowser(base, { username })]
    const tokens = await browser.signIn()
    await otherBrowser.authorize()
    return { username, browser, otherBrowser, tokens, otherClient: await browser.signIn({ client_id: 'backend' }) }
  }

  const isSignedIn = async ({ agent }: Browser, base = pool.base): Promise<boolean> => {
    const request = authorizationRequest(base, { client_id: 'app', redirect_uri: callback, prompt: 'none' })
    return (await agent.visit(request.url)).url.searchParams.has('code')
  }

  /** Names of what still works, in one order. */
  async function alive({ browser, otherBrowser, tokens, otherClient }: Person, base = pool.base): Promise<string[]> {
    const credentials = { client_id: 'backend', client_secret: secret }
    const checks: [string, boolean][] = [
      ['session', await isSignedIn(browser, base)],
      ['refresh token', (await refresh(base, tokens.refreshToken)).status === 200],
      ['access token', (await userInfo(base, tokens.accessToken)).status === 200],
      ['other browser', await isSignedIn(otherBrowser, base)],
      ['other client', (await refresh(base, otherClient.refreshToken, credentials)).status === 200],
    ]
    return checks.flatMap(([name, lives]) => (lives ? [name] : []))
  }

  const everything = ['session', 'refresh token', 'access token', 'other browser', 'other client']

  const command = async (name: string, input: object): Promise<unknown> => {
    const administration = { ...pool.services, publicUrl: pool.base, region: 'eu-west-1' }
    const answer = await runCommand(administration, name, { userPool: poolId, ...input })
    if (!answer.ok) throw new Error(answer.message)
    return answer.value
  }

  const logout = async ({ browser }: Person, parameters: Record<string, string>): Promise<void> => {
    const query = new URLSearchParams({ client_id: 'app', logout_uri: 'https://app.example.com/', ...parameters })
    const response = await browser.agent.request(`${pool.base}/logout?${query.toString()}`)
    expect(response.headers.get('location')).toBe('https://app.example.com/')
  }

  async function resetPassword({ username }: Person): Promise<void> {
    const agent = createUserAgent(pool.base)
    const { url } = authorizationRequest(pool.base, { client_id: 'app', redirect_uri: callback })
    const page = await agent.visit(url.replace('/oauth2/authorize', '/forgotPassword'))
    const form = await page.submit({ username })
    const code = await pool.codeFor(`${username}@example.org`)
    const answer = await form.submit({ code, password: 'Difference-1822' })
    expect(answer.url.searchParams.has('code')).toBe(true)
    // Whoever proved to be the owner is signed in where they did so.
    expect(await isSignedIn({ ...createBrowser(pool.base), agent })).toBe(true)
  }

  const revoke = async ({ tokens }: Person): Promise<void> => {
    const body = new URLSearchParams({ client_id: 'app', token: tokens.refreshToken })
    expect((await fetch(`${pool.base}/oauth2/revoke`, { method: 'POST', body })).status).toBe(200)
  }

  const matrix: [string, (person: Person) => Promise<unknown>, { left: string[]; bystander: string[] }][] = [
    ['nothing', async () => undefined, { left: everything, bystander: everything }],
    [
      '/logout',
      (person) => logout(person, {}),
      { left: ['refresh token', 'access token', 'other browser', 'other client'], bystander: everything },
    ],
    [
      '/logout with global_sign_out',
      (person) => logout(person, { global_sign_out: 'true', id_token_hint: person.tokens.idToken }),
      { left: [], bystander: everything },
    ],
    ['revocation', revoke, { left: ['session', 'other browser', 'other client'], bystander: everything }],
    ['user sign-out', ({ username }) => command('user.signOut', { username }), { left: [], bystander: everything }],
    ['pool sign-out', () => command('pool.signOut', {}), { left: [], bystander: [] }],
    ['a password reset', resetPassword, { left: [], bystander: everything }],
    [
      'a password set by an operator',
      ({ username }) => command('user.setPassword', { username, password: { generate: true }, permanent: true }),
      { left: [], bystander: everything },
    ],
    ['user disable', ({ username }) => command('user.disable', { username }), { left: [], bystander: everything }],
    ['user delete', ({ username }) => command('user.delete', { username }), { left: [], bystander: everything }],
  ]

  async function setUp(): Promise<Scene> {
    const scene = { person: await join(), bystander: await join(), otherPool: await join(otherPoolId) }
    // Times of authentication are whole seconds: what comes after is later.
    pool.clock.ahead += 2
    return scene
  }

  test.each(matrix)('%s', async (_what, act, { left, bystander }) => {
    const scene = await setUp()
    await act(scene.person)
    expect(await alive(scene.person)).toEqual(left)
    expect(await alive(scene.bystander)).toEqual(bystander)
    expect(await alive(scene.otherPool, baseOf(otherPoolId))).toEqual(everything)
  })

  test.each(['user.signOut', 'pool.signOut'])('after %s everybody may sign in again', async (name) => {
    const { person } = await setUp()
    await command(name, name === 'user.signOut' ? { username: person.username } : {})
    const tokens = await person.browser.signIn()
    expect((await refresh(pool.base, tokens.refreshToken)).status).toBe(200)
    expect((await userInfo(pool.base, tokens.accessToken)).status).toBe(200)
    expect(await isSignedIn(person.browser)).toBe(true)
  })

  test('a pool’s sign-out says what ended, and reaches a sign-in that is under way', async () => {
    await command('pool.signOut', {})
    pool.clock.ahead += 2
    const { person } = await setUp()
    const { answer, request } = await person.browser.authorize()
    expect(await command('pool.signOut', {})).toEqual({ Id: poolId, Sessions: 4, RefreshTokens: 4 })
    const form = codeForm(answer, request)
    const redeemed = await fetch(`${pool.base}/oauth2/token`, { method: 'POST', body: new URLSearchParams(form) })
    expect(redeemed.status).toBe(400)
    expect(await command('pool.signOut', {})).toEqual({ Id: poolId, Sessions: 0, RefreshTokens: 0 })
  })
})
