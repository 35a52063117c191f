import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { verifyUserAttribute } from '../../src/domain/attribute-changes/verify-user-attribute.ts'
import { updateUserAttributes } from '../../src/domain/attribute-changes/update-user-attributes.ts'
import { haveAccount, userPoolOf } from '../support/accounts.ts'
import { behindProxy, guesses, headersOf, strangerFrom, times, verdictOf } from '../support/attackers.ts'
import { movableClock } from '../support/movable-clock.ts'
import { wrong } from '../support/person.ts'
import { basic } from '../support/relying-party.ts'
import { databaseKinds, startServer } from '../support/server.ts'
import type { TestServer } from '../support/server.ts'
import { goodPassword, startServerWithPools } from '../support/visitor.ts'

/* Threat row B5: every verifier that can be guessed is locked after a few wrong guesses, for longer each time. */

const address = 'ada@example.com'
const lockedAfterFive = [...times(5, 'wrong'), 'locked']

describe.each(databaseKinds)('guessing, on %s', (database) => {
  const clock = movableClock({ stopped: true })
  let server: TestServer
  beforeAll(async () => {
    server = await startServerWithPools({ database, clock, environment: behindProxy })
    await haveAccount(server, { username: address, password: goodPassword })
  })
  afterAll(() => server.stop())

  test('a password', async () => {
    const { login } = await strangerFrom(server)
    const typed = (password: string) => ({ username: address, password })
    expect(await guesses(login, 6, (index) => typed(`Wrong-guess-${index}`))).toEqual(lockedAfterFive)
    const locked = await login.submit(typed(goodPassword))
    expect(verdictOf(locked)).toBe('locked')
    expect(locked.text).toContain(
      'Password attempts exceeded. You can try again in 1 second. Or choose “Forgot your password?” to set a new one.',
    )
    expect(locked.field('username')).toBe(address)
    expect(locked.html).not.toContain(goodPassword)
    // Each further guess locks for twice as long, whoever it comes from.
    for (const seconds of [1, 2, 4, 8]) {
      clock.pass(seconds - 1)
      expect(verdictOf(await (await strangerFrom(server, '198.51.100.1')).login.submit(typed('Wrong-one')))).toBe(
        'locked',
      )
      clock.pass(1)
      expect(verdictOf(await (await strangerFrom(server, '198.51.100.2')).login.submit(typed('Wrong-two')))).toBe(
        'wrong',
      )
    }
    clock.pass(16)
    expect(verdictOf(await login.submit(typed(goodPassword)))).toBe('right')
  })

  test('a password costs no hash while it is locked, and as many as any while it is not', async () => {
    const { passwordHasher } = server.services.domain
    const verify = passwordHasher.verifyEither.bind(passwordHasher)
    let hashes = 0
    passwordHasher.verifyEither = (...args) => {
      hashes += 1
      return verify(...args)
    }
    const { login } = await strangerFrom(server)
    for (const username of ['nobody@example.com', address]) {
      hashes = 0
      expect(await guesses(login, 9, () => ({ username, password: 'Wrong-guess-1' }))).toEqual([
        ...times(5, 'wrong'),
        ...times(4, 'locked'),
      ])
      expect(hashes, username).toBe(5)
    }
    passwordHasher.verifyEither = verify
    clock.pass(2000)
  })

  test('the code of a sign-up, also for another sign-up with the same address', async () => {
    const signUp = async () => {
      const form = await (await strangerFrom(server)).login.follow('Create an account')
      return form.submit({ username: 'new@example.com', password: goodPassword })
    }
    const confirm = await signUp()
    const code = await server.codeFor('new@example.com')
    expect(await guesses(confirm, 6, () => ({ code: wrong(code) }))).toEqual(lockedAfterFive)
    expect(verdictOf(await confirm.submit({ code }))).toBe('locked')
    const known = await server.mail()
    const again = await signUp()
    const other = await server.codeFor('new@example.com', known)
    expect(verdictOf(await again.submit({ code: other }))).toBe('locked')
    clock.pass(1)
    expect(verdictOf(await again.submit({ code: other }))).toBe('right')
  })

  test('the code of a reset, however often a new one is asked for', async () => {
    const ask = async () =>
      (await (await strangerFrom(server)).login.follow('Forgot your password?')).submit({ username: address })
    let reset = await ask()
    expect(await guesses(reset, 6, () => ({ code: '00000x', password: goodPassword }))).toEqual(lockedAfterFive)
    const seen = new Set<string>()
    for (const seconds of [31, 31, 31, 31, 31]) {
      clock.pass(seconds)
      reset = await ask()
      seen.add(verdictOf(await reset.submit({ code: '00000x', password: goodPassword })))
    }
    expect([...seen]).toEqual(['wrong'])
    // The tenth guess has locked for 32 seconds, and a new code changes nothing about that.
    clock.pass(31)
    reset = await ask()
    expect(verdictOf(await reset.submit({ code: '00000x', password: goodPassword }))).toBe('locked')
    clock.pass(2000)
  })

  test('the code of a new address', async () => {
    const user = await haveAccount(server, { username: 'change@example.com', password: goodPassword })
    const { domain, directory } = server.services
    const userPool = userPoolOf(server)
    const appClient = (await directory.get(userPool.id))?.appClients.get('email')
    if (appClient === undefined) throw new Error('no client')
    const request = { userPool, userSub: user.sub, languages: ['en'] }
    const attributes = { email: 'changed@example.com' }
    const authTime = clock.now()
    await updateUserAttributes(domain, { ...request, appClient, authTime, attributes })
    const code = await server.codeFor('changed@example.com')
    const verify = (typed: string) => verifyUserAttribute(domain, { ...request, attribute: 'email', code: typed })
    for (let n = 0; n < 5; n += 1)
      expect(await verify(wrong(code))).toEqual({ kind: 'refused', reason: 'codeMismatch' })
    expect(await verify(code)).toEqual({ kind: 'refused', reason: 'attemptsExceeded', retryAfterSeconds: 1 })
    clock.pass(1)
    expect(await verify(code)).toEqual({ kind: 'done' })
  })

  test('a day of guesses at one account’s codes, as fast as they are let: not many more than a hundred', async () => {
    const victim = 'victim@example.com'
    await haveAccount(server, { username: victim, password: goodPassword })
    const end = clock.now().getTime() + 86_400_000
    let lookedAt = 0
    while (clock.now().getTime() < end) {
      const { login } = await strangerFrom(server)
      const reset = await (await login.follow('Forgot your password?')).submit({ username: victim })
      // A flow lasts an hour; the attacker begins another before that.
      const renew = clock.now().getTime() + 3_000_000
      while (clock.now().getTime() < Math.min(renew, end)) {
        const answer = await reset.submit({ code: '00000x', password: goodPassword })
        if (verdictOf(answer) === 'wrong') lookedAt += 1
        else clock.pass(Number(answer.headers.get('retry-after')))
      }
    }
    expect(lookedAt).toBeGreaterThan(90)
    expect(lookedAt).toBeLessThan(130)
  })
})

describe.each(databaseKinds)('guessing an app client’s secret, on %s', (database) => {
  const secret = 'a-s3cret-that-is-not-guessed'
  const clock = movableClock({ stopped: true })
  const machine = { AllowedOAuthFlows: ['client_credentials'], AllowedOAuthScopes: ['api/read'] }
  let server: TestServer
  beforeAll(async () => {
    const userPool = {
      PoolName: 'machines',
      Default: true,
      Clients: [
        { ClientId: 'machine', ClientSecret: secret, ...machine },
        { ClientId: 'other', ClientSecret: secret, ...machine },
      ],
      ResourceServers: [{ Identifier: 'api', Name: 'API', Scopes: [{ ScopeName: 'read' }] }],
    }
    const configuration = JSON.stringify({ UserPools: [userPool] })
    server = await startServer({ database, clock, configuration, environment: behindProxy })
  })
  afterAll(() => server.stop())

  const post = async (path: string, form: Record<string, string>, headers: Record<string, string>) => {
    const body = new URLSearchParams(form)
    const response = await fetch(`${server.publicUrl}${path}`, { method: 'POST', body, headers })
    const text = await response.text()
    const { error } = (text === '' ? {} : JSON.parse(text)) as { error?: string }
    return [response.status, error, response.headers.get('retry-after')]
  }
  const byHeader = (value: string, from: string, client = 'machine') =>
    post(
      '/oauth2/token',
      { grant_type: 'client_credentials' },
      { ...headersOf(from), authorization: basic(client, value) },
    )
  const byBody = (value: string, from: string) =>
    post(
      '/oauth2/token',
      { grant_type: 'client_credentials', client_id: 'machine', client_secret: value },
      headersOf(from),
    )
  const atRevocation = (value: string, from: string) =>
    post('/oauth2/revoke', { token: 'x' }, { ...headersOf(from), authorization: basic('machine', value) })
  const locked = (seconds: string) => [429, 'temporarily_unavailable', seconds]

  test('locks the network that guesses, at each endpoint and in each way, and nobody else', async () => {
    const attacker = '203.0.113.9'
    expect(await byHeader('wrong-guess-number-1', attacker)).toEqual([401, 'invalid_client', null])
    expect(await byBody('wrong-guess-number-2', attacker)).toEqual([400, 'invalid_client', null])
    expect(await atRevocation('wrong-guess-number-3', attacker)).toEqual([401, 'invalid_client', null])
    expect(await byHeader('wrong-guess-number-4', attacker)).toEqual([401, 'invalid_client', null])
    expect(await byHeader('wrong-guess-number-5', attacker)).toEqual([401, 'invalid_client', null])
    for (const guess of [byHeader, byBody, atRevocation]) expect(await guess(secret, attacker)).toEqual(locked('1'))
    for (const guess of [byHeader, byBody, atRevocation]) expect((await guess(secret, '198.51.100.9'))[0]).toBe(200)
    expect((await byHeader(secret, attacker, 'other'))[0]).toBe(200)
    clock.pass(1)
    expect(await byHeader('wrong-guess-number-6', attacker)).toEqual([401, 'invalid_client', null])
    expect(await byHeader(secret, attacker)).toEqual(locked('2'))
    clock.pass(2)
    expect((await byHeader(secret, attacker))[0]).toBe(200)
  })

  test('a right secret does not take wrong ones back, and 200 wrong ones at once are five', async () => {
    const attacker = '203.0.113.10'
    for (let n = 1; n <= 4; n += 1) await byHeader(`another-wrong-guess-${n}`, attacker)
    expect((await byHeader(secret, attacker))[0]).toBe(200)
    expect((await byHeader('another-wrong-guess-5', attacker))[0]).toBe(401)
    expect(await byHeader(secret, attacker)).toEqual(locked('1'))
    const burst = await Promise.all(
      Array.from({ length: 200 }, (_, n) => byHeader(n === 150 ? secret : `burst-of-wrong-${n}`, '203.0.113.11')),
    )
    expect(burst.filter(([status]) => status === 401)).toHaveLength(5)
    expect(burst[150]).toEqual(locked('1'))
  })

  test('a program that keeps sending its former secret locks nobody out who shares its address', async () => {
    const office = '203.0.113.12'
    for (let n = 0; n < 30; n += 1) expect((await byHeader('the-former-s3cret-of-it', office))[0]).toBe(401)
    expect((await byHeader(secret, office))[0]).toBe(200)
  })
})
