import { X509Certificate, generateKeyPairSync, sign } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { decodeJwt } from 'jose'
import { generate } from 'selfsigned'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { requestOptions } from '../../src/domain/passkeys/ceremony.ts'
import type { Ceremony } from '../../src/domain/passkeys/ceremony.ts'
import { signInWithPasskey } from '../../src/domain/passkeys/sign-in-with-passkey.ts'
import { haveAccount, userPoolOf } from '../support/accounts.ts'
import { movableClock } from '../support/movable-clock.ts'
import { passkeyPoolId, passkeyPools } from '../support/passkey-pools.ts'
import type { PasskeyPool } from '../support/passkey-pools.ts'
import { databaseKinds, startServer } from '../support/server.ts'
import type { TestServer } from '../support/server.ts'
import { makePasskey, optionsOn, usePasskey } from '../support/software-authenticator.ts'
import type { Lies, SoftPasskey } from '../support/software-authenticator.ts'
import { createUserAgent } from '../support/user-agent.ts'
import type { UserAgent, VisitedPage } from '../support/user-agent.ts'
import { callback, goodPassword, visitorAt, whereItIs } from '../support/visitor.ts'

/*
 * B19, WebAuthn: an attestation that ends in the attacker's own root (SimpleWebAuthn GHSA-6hxq-p678-4hr2), another origin or
 * relying party, a challenge used again or made for something else, a counter that goes back, user verification left out, the
 * passkey of somebody else. Guards src/domain/passkeys/ceremony.ts, challenge.ts, sign-in-with-passkey.ts and own-passkeys.ts.
 */

// On PostgreSQL alone: nothing here differs between the two, and it takes long.
describe.each(databaseKinds.slice(1))('on %s', (database) => {
  let server: TestServer
  const clock = movableClock()
  beforeAll(async () => {
    server = await startServer({
      database,
      configuration: passkeyPools(),
      clock,
    })
  })
  afterAll(() => server.stop())

  let people = 0
  const base = (pool: PasskeyPool): string => `${server.publicUrl}/${passkeyPoolId(pool)}`
  const haveUser = async (pool: PasskeyPool) => {
    const username = `person-${(people += 1)}@example.com`
    const user = await haveAccount(server, { username, password: goodPassword, userPoolId: passkeyPoolId(pool) })
    return { username, sub: user.sub }
  }
  const accountPage = async (pool: PasskeyPool, username: string, browser: UserAgent): Promise<VisitedPage> => {
    const login = await browser.visit(`${base(pool)}/account/passkeys`)
    const page = await login.submit({ username, password: goodPassword })
    if (page.heading !== 'One more step') return page
    return page.submit({ code: await server.codeFor(username) })
  }
  const add = (page: VisitedPage, credential: string) => page.submit({ credential }, 'Create a passkey')
  const havePasskey = async (pool: PasskeyPool = 'first', lies: Lies = {}) => {
    const { username, sub } = await haveUser(pool)
    const browser = createUserAgent(server.publicUrl)
    const page = await accountPage(pool, username, browser)
    const { passkey, credential } = makePasskey(page, lies)
    const done = await add(page, credential)
    expect(done.text).toContain('Your passkey is ready.')
    return { username, sub, passkey, page: done, credential, browser }
  }
  const atSignIn = (pool: PasskeyPool = 'first') => visitorAt(base(pool), pool)
  const signIn = (page: VisitedPage, credential: string): Promise<VisitedPage> =>
    page.submit({ credential }, 'Sign in with a passkey')
  const clientOf = async (pool: PasskeyPool) => {
    const snapshot = await server.services.directory.get(passkeyPoolId(pool))
    const appClient = snapshot?.appClients.get(pool)
    if (appClient === undefined) throw new Error(`there is no client ${pool}`)
    return appClient
  }
  const passkeysOf = (sub: string, pool: PasskeyPool = 'first') =>
    server.services.domain.store.passkeys.ofUser(passkeyPoolId(pool), sub)

  test('told truly, it signs in', async () => {
    const { passkey, sub } = await havePasskey()
    const visitor = await atSignIn()
    const page = await signIn(visitor.login, usePasskey(visitor.login, passkey))
    expect(whereItIs(page)).toBe('the app')
    const { body } = await visitor.tokensFrom(page)
    expect(decodeJwt(body.id_token ?? '')).toMatchObject({ sub, amr: ['swk', 'mfa'] })
  })

  const otherKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
  const handle = (text: string): string => Buffer.from(text).toString('base64url')
  describe.each<[string, Lies]>([
    ['another origin', { origin: 'https://evil.example' }],
    ['the same host at another port', { origin: 'http://localhost:1' }],
    ['another relying party', { rpId: 'evil.example' }],
    ['a challenge of its own', { challenge: handle('x'.repeat(54)) }],
    ['no challenge', { challenge: '' }],
    ['the answer to another ceremony', { type: 'webauthn.other' }],
    ['a person that nobody has made sure of', { userVerified: false }],
    ['nobody there', { userVerified: false, userPresent: false }],
    ['a page in a frame of another site', { crossOrigin: true }],
    ['the site around it', { crossOrigin: true, topOrigin: 'https://evil.example' }],
  ])('a lie about %s', (_, lies) => {
    test('signs nobody in', async () => {
      const { passkey } = await havePasskey()
      const { login } = await atSignIn()
      const page = await signIn(login, usePasskey(login, passkey, lies))
      expect([whereItIs(page), page.text]).toEqual(['Sign in', expect.stringContaining('wasn’t accepted')])
    })

    test('makes no passkey', async () => {
      const { username, sub } = await haveUser('first')
      const page = await accountPage('first', username, createUserAgent(server.publicUrl))
      const refused = await add(page, makePasskey(page, lies).credential)
      expect(refused.text).toContain('No passkey was made.')
      expect(await passkeysOf(sub)).toEqual([])
    })
  })

  test.each<[string, Lies]>([
    ['signed by another key', { signedBy: otherKey }],
    ['of nobody', { userHandle: null }],
    ['of another user', { userHandle: handle('00000000-0000-4000-8000-000000000000') }],
    ['whose counter stands still', { counter: 0 }],
  ])('an answer %s signs nobody in', async (_, lies) => {
    const { passkey } = await havePasskey()
    const first = await atSignIn()
    expect(whereItIs(await signIn(first.login, usePasskey(first.login, passkey)))).toBe('the app')
    const { login } = await atSignIn()
    expect((await signIn(login, usePasskey(login, passkey, lies))).text).toContain('wasn’t accepted')
  })

  test('a counter that goes back is a copy of the key', async () => {
    const { passkey } = await havePasskey()
    const copy: SoftPasskey = { ...passkey }
    for (let uses = 0; uses < 3; uses += 1) {
      const { login } = await atSignIn()
      expect(whereItIs(await signIn(login, usePasskey(login, passkey)))).toBe('the app')
    }
    const { login } = await atSignIn()
    expect((await signIn(login, usePasskey(login, copy))).text).toContain('wasn’t accepted')
  })

  describe('set up at a sign-in', () => {
    const atSetUp = async () => {
      const person = await haveUser('both')
      const visitor = await atSignIn('both')
      const page = await visitor.login.submit({ username: person.username, password: goodPassword })
      expect(page.heading).toBe('Protect your account')
      return { ...person, visitor, page }
    }
    /** As `page` would send it, whatever page made it. */
    const send = (page: VisitedPage, credential: string) => page.submit({ credential }, 'Create a passkey')
    const refusal = ['Protect your account', expect.stringContaining('No passkey was made.')]

    test.each<[string, Lies]>([
      ['from another origin', { origin: 'https://evil.example' }],
      ['of a person that nobody has made sure of', { userVerified: false }],
      ['for a challenge of its own', { challenge: handle('x'.repeat(54)) }],
    ])('one %s is none', async (_, lies) => {
      const { page, sub } = await atSetUp()
      const refused = await send(page, makePasskey(page, lies).credential)
      expect([[refused.heading, refused.text], await passkeysOf(sub, 'both')]).toEqual([refusal, []])
    })

    test('what was made at somebody else’s sign-in, or on the account page, is none', async () => {
      const [one, other] = [await atSetUp(), await atSetUp()]
      const { credential } = makePasskey(other.page)
      const refused = await send(one.page, credential)
      expect([refused.heading, refused.text]).toEqual(refusal)
      expect(whereItIs(await send(other.page, credential))).toBe('the app')
      // Signed in elsewhere, with an app of theirs, they are shown a challenge of the account's.
      const account = await other.visitor.visit(`${base('both')}/account/passkeys`)
      const stolen = await send(one.page, makePasskey(account).credential)
      expect([stolen.heading, stolen.text]).toEqual(refusal)
      expect(await passkeysOf(one.sub, 'both')).toEqual([])
    })

    test('of two who know the password and are there at once, one sets up theirs', async () => {
      const { page, username, sub } = await atSetUp()
      const second = await atSignIn('both')
      const other = await second.login.submit({ username, password: goodPassword })
      const answers = await Promise.all(
        [page, other].map(async (each) => whereItIs(await send(each, makePasskey(each).credential))),
      )
      expect(answers.filter((answer) => answer === 'the app')).toHaveLength(1)
      expect(await passkeysOf(sub, 'both')).toHaveLength(1)
      const late = await send(answers[0] === 'the app' ? other : page, makePasskey(page).credential)
      expect([whereItIs(late), late.status]).not.toContain('the app')
      expect(await passkeysOf(sub, 'both')).toHaveLength(1)
    })

    test('many answers of one page make one passkey', async () => {
      const { page, sub } = await atSetUp()
      const pages = await Promise.all(Array.from({ length: 20 }, () => send(page, makePasskey(page).credential)))
      expect(pages.filter((each) => whereItIs(each) === 'the app').length).toBeGreaterThan(0)
      expect(await passkeysOf(sub, 'both')).toHaveLength(1)
    })

    test('where a passkey is one factor only, it is no second one', async () => {
      const { username, sub } = await haveUser('single')
      const visitor = await atSignIn('single')
      const step = await visitor.login.submit({ username, password: goodPassword })
      expect(step.html).not.toContain('data-passkey="create"')
      const body = new URLSearchParams({
        flow: step.field('flow') ?? '',
        _csrf: step.field('_csrf') ?? '',
        credential: makePasskey(await atSetUp().then(({ page }) => page)).credential,
      })
      const posted = await visitor.visit(`${base('single')}/mfaSetup`, { method: 'POST', body })
      expect([posted.heading, await passkeysOf(sub, 'single')]).toEqual(['One more step', []])
    })
  })

  test('a challenge is good once, however many show its answer at once', async () => {
    const { passkey } = await havePasskey()
    const services = server.services.domain
    const userPool = userPoolOf(server, passkeyPoolId('first'))
    const appClient = await clientOf('first')
    const ceremony: Ceremony = {
      rp: { id: 'localhost', origin: server.publicUrl, name: 'first' },
      subject: ['signIn', 'parallel'],
    }
    const options = await requestOptions(services, userPool, ceremony)
    // Authenticators without a counter say 0: the challenge alone has to hold.
    const credential = usePasskey({ options, origin: server.publicUrl }, passkey, { counter: 0 })
    const request = { userPool, appClient, ceremony, credential }
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => signInWithPasskey(services, request)))
    expect(outcomes.filter(({ kind }) => kind === 'done')).toHaveLength(1)
    expect((await signInWithPasskey(services, request)).kind).toBe('refused')
  })

  test('a challenge is good in its own browser and sign-in alone', async () => {
    const { passkey } = await havePasskey()
    const [one, two] = [await atSignIn(), await atSignIn()]
    const stolen = usePasskey(one.login, passkey)
    expect((await signIn(two.login, stolen)).text).toContain('wasn’t accepted')
    expect(whereItIs(await signIn(one.login, stolen))).toBe('the app')
  })

  test('a challenge ends', async () => {
    const { passkey } = await havePasskey()
    const { login } = await atSignIn()
    const { challenge } = optionsOn(login)
    clock.pass(3601)
    const { login: later } = await atSignIn()
    expect((await signIn(later, usePasskey(later, passkey, { challenge }))).text).toContain('wasn’t accepted')
  })

  test('a challenge of the sign-in page makes no passkey, and one for a new passkey signs nobody in', async () => {
    const { username, sub, passkey, page } = await havePasskey()
    const { login } = await atSignIn()
    const { challenge } = optionsOn(login)
    const mine = await accountPage('first', username, createUserAgent(server.publicUrl))
    expect((await add(mine, makePasskey(mine, { challenge }).credential)).text).toContain('No passkey was made.')
    expect(await passkeysOf(sub)).toHaveLength(1)
    const { challenge: forNew } = optionsOn(page)
    expect((await signIn(login, usePasskey(login, passkey, { challenge: forNew }))).text).toContain('wasn’t accepted')
  })

  test('the answer of a new passkey is good once', async () => {
    const { page, sub, credential, browser } = await havePasskey()
    // Sent at once it is the same press of a button, and told of as such.
    expect((await add(page, credential)).text).toContain('Your passkey is ready.')
    await browser.visit(`${base('first')}/account`)
    expect((await add(page, credential)).text).toContain('No passkey was made.')
    expect(await passkeysOf(sub)).toHaveLength(1)
  })

  test('nobody registers the passkey of somebody else', async () => {
    const victim = await havePasskey()
    const { username, sub } = await haveUser('first')
    const page = await accountPage('first', username, createUserAgent(server.publicUrl))
    const refused = await add(page, makePasskey(page, { credentialId: victim.passkey.id }).credential)
    expect(refused.text).toContain('This passkey is there already.')
    expect(await passkeysOf(sub)).toEqual([])
    const { login } = await atSignIn()
    expect(whereItIs(await signIn(login, usePasskey(login, victim.passkey)))).toBe('the app')
  })

  test('nobody renames or removes the passkey of somebody else', async () => {
    const victim = await havePasskey()
    const thief = await havePasskey()
    await thief.page.submit({ id: victim.passkey.id, name: 'stolen' }, 'Save name')
    await thief.page.submit({ remove: victim.passkey.id }, 'Remove')
    expect((await passkeysOf(victim.sub)).map(({ id, name }) => [id, name])).toEqual([
      [victim.passkey.id, expect.not.stringContaining('stolen')],
    ])
    expect(await passkeysOf(thief.sub)).toHaveLength(1)
  })

  test('a passkey is of one user pool', async () => {
    const { passkey } = await havePasskey('first')
    const { login } = await atSignIn('single')
    expect((await signIn(login, usePasskey(login, passkey))).text).toContain('isn’t known here')
  })

  test('an attestation chain that ends in a root of the attacker’s is not even read', async () => {
    const { username, sub } = await haveUser('first')
    const page = await accountPage('first', username, createUserAgent(server.publicUrl))
    // All that WebAuthn §8.2.1 asks of such a certificate.
    const subject = { C: 'DE', O: 'Attested Ltd', OU: 'Authenticator Attestation', CN: 'Attested Authenticators' }
    const attacker = await generate(
      Object.entries(subject).map(([shortName, value]) => ({ shortName, value })),
      { keyType: 'ec', extensions: [{ name: 'basicConstraints', cA: false, critical: true }] },
    )
    const certificate = new Uint8Array(new X509Certificate(attacker.cert).raw)
    const attestation: Lies['attestation'] = (signed) => ({
      format: 'packed',
      statement: new Map<string, unknown>([
        ['alg', -7],
        ['sig', new Uint8Array(sign('sha256', signed, attacker.private))],
        ['x5c', [certificate]],
      ]),
    })
    const refused = await add(page, makePasskey(page, { attestation }).credential)
    expect(refused.text).toContain('No passkey was made.')
    expect(await passkeysOf(sub)).toEqual([])
  })

  test('a key that vouches for itself is taken, if the signature is its own', async () => {
    const itself = (by?: KeyObject) => (signed: Buffer, key: KeyObject) => ({
      format: 'packed',
      statement: new Map<string, unknown>([
        ['alg', -7],
        ['sig', new Uint8Array(sign('sha256', signed, by ?? key))],
      ]),
    })
    const { username, sub } = await haveUser('first')
    const page = await accountPage('first', username, createUserAgent(server.publicUrl))
    const forged = await add(page, makePasskey(page, { attestation: itself(otherKey) }).credential)
    expect(forged.text).toContain('No passkey was made.')
    expect((await add(forged, makePasskey(forged, { attestation: itself() }).credential)).text).toContain('ready')
    expect(await passkeysOf(sub)).toHaveLength(1)
  })

  test('a key of an algorithm that was not asked for is refused', async () => {
    const { username } = await haveUser('first')
    const page = await accountPage('first', username, createUserAgent(server.publicUrl))
    expect((await add(page, makePasskey(page, { algorithm: -35 }).credential)).text).toContain('No passkey was made.')
  })

  test.each(['', '{}', '[]', 'null', '{"id":"x"}', '"', `{"id":"${'A'.repeat(2000)}"}`, '{"id":"../../etc/passwd"}'])(
    'nonsense signs nobody in and breaks nothing: %s',
    async (credential) => {
      const { login } = await atSignIn()
      const page = await signIn(login, credential)
      expect([page.status, page.heading]).toEqual([200, 'Sign in'])
    },
  )

  test('a disabled user is not let in, and told so only with the passkey in hand', async () => {
    const { passkey, sub } = await havePasskey()
    const { users } = server.services.domain.store
    await users.update(passkeyPoolId('first'), sub, { enabled: false }, clock.now())
    const { login } = await atSignIn()
    expect((await signIn(login, usePasskey(login, passkey, { origin: 'https://evil.example' }))).text).not.toContain(
      'switched off',
    )
    const { login: again } = await atSignIn()
    expect((await signIn(again, usePasskey(again, passkey))).text).toContain('switched off')
  })

  test('strangers at the password keep nobody with a passkey out', async () => {
    const { username, passkey } = await havePasskey()
    for (let guesses = 0; guesses < 8; guesses += 1) {
      await (await atSignIn()).login.submit({ username, password: 'Wrong-Guess-1' })
    }
    const locked = await (await atSignIn()).login.submit({ username, password: goodPassword })
    expect(locked.status).toBe(429)
    const { login } = await atSignIn()
    expect(whereItIs(await signIn(login, usePasskey(login, passkey)))).toBe('the app')
  })

  test('one factor stays one factor where the user pool says so: the second is asked for', async () => {
    const { passkey } = await havePasskey('single')
    const { login } = await atSignIn('single')
    const page = await signIn(login, usePasskey(login, passkey))
    expect(page.heading).toBe('One more step')
  })

  test('the way from an app to a new passkey ends at a registered address alone, and wants a fresh sign-in', async () => {
    const { username, sub } = await haveUser('first')
    const browser = createUserAgent(server.publicUrl)
    const at = (redirectUri: string): string =>
      `${base('first')}/passkeys/add?${new URLSearchParams({ client_id: 'first', redirect_uri: redirectUri }).toString()}`
    expect((await browser.visit(at(callback))).url.href).toBe(`${callback}?result=invalid_session`)
    await accountPage('first', username, browser)
    const stray = await browser.visit(at('https://evil.example/'))
    expect([stray.status, stray.html.includes('data-passkey')]).toEqual([400, false])
    const page = await browser.visit(at(callback))
    const { credential } = makePasskey(page)
    const planted = await page.submit({ credential, _csrf: 'x' }, 'Create a passkey')
    expect([planted.status, await passkeysOf(sub)]).toEqual([403, []])
    expect((await page.submit({ later: '1' }, 'Not now')).url.href).toBe(`${callback}?result=cancelled`)
    expect((await page.submit({ credential }, 'Create a passkey')).url.href).toBe(`${callback}?result=success`)
    expect(await passkeysOf(sub)).toHaveLength(1)
    clock.pass(600)
    expect((await browser.visit(at(callback))).url.href).toBe(`${callback}?result=invalid_session`)
  })

  test('where the app’s people do not begin with one, none is asked for, and none is taken', async () => {
    const { passkey } = await havePasskey()
    const { login } = await visitorAt(base('first'), 'password-only')
    expect(login.html).not.toContain('data-passkey')
    const { login: other } = await atSignIn()
    const credential = usePasskey(other, passkey)
    const forced = new URL(login.url)
    forced.pathname = forced.pathname.replace('/login', '/passkeys/signIn')
    const page = await login.submit({ credential })
    expect(whereItIs(page)).toBe('Sign in')
  })
})
