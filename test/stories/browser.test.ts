import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { haveAccount } from '../support/accounts.ts'
import { launchChromium } from '../support/chromium.ts'
import type { TestBrowser } from '../support/chromium.ts'
import { peopleAt, wrong } from '../support/person.ts'
import type { People, Person } from '../support/person.ts'
import { databaseKinds, startServer } from '../support/server.ts'
import type { TestServer } from '../support/server.ts'

let chromium: TestBrowser
beforeAll(async () => {
  chromium = await launchChromium()
})
afterAll(() => chromium.close())

describe.each(databaseKinds)('in Chromium, on %s', (database) => {
  let server: TestServer
  let people: People
  beforeAll(async () => {
    server = await startServer({ database })
    people = peopleAt(chromium, server)
  })
  afterEach(async () => {
    expect(await people.leave()).toEqual([])
  })
  afterAll(() => server.stop())

  /** One who has an account, and is signed in to the demo app. */
  async function signedInPerson(email: string): Promise<Person> {
    const person = await people.join({ email, password: 'Analytical-1843' })
    await haveAccount(server, { username: email, password: person.account.password })
    await person.opens('/demo/sign-in')
    await person.signsIn()
    await person.isSignedIn()
    return person
  }

  test('a new user mistypes the code, enters the right one, and the app learns who it is', async () => {
    const ada = await people.join({ email: 'ada@example.com', password: 'Analytical-1843' })
    await ada.opens('/demo')
    await ada.follows('Sign in')
    await ada.isAt('Sign in')
    await ada.follows('Create an account')
    await ada.signsUp()
    await ada.reads('a***@e***')
    const code = await ada.receivesCode()
    await ada.entersCode(wrong(code))
    await ada.reads('Invalid verification code provided, please try again.')
    await ada.entersCode(code)
    await ada.isSignedIn()
    expect(new URL(ada.page.url()).pathname).toBe('/demo')

    const id = await ada.payloadOf('ID token')
    expect(id).toMatchObject({ email: 'ada@example.com', email_verified: true, token_use: 'id', aud: 'demo' })
    expect(id['cognito:username']).toBe(id['sub'])
    expect(id['iss']).toMatch(new RegExp(`^${server.publicUrl}/eu-west-1_[0-9a-zA-Z]{9}$`))
    const access = await ada.payloadOf('Access token')
    expect(access).toMatchObject({ client_id: 'demo', token_use: 'access', version: 2, sub: id['sub'] })
    expect(access['username']).toBe(id['sub'])
    expect(String(access['scope']).split(' ').toSorted()).toEqual(['email', 'openid', 'profile'])
    expect(access).not.toHaveProperty('aud')
  })

  test('whoever signs out is signed out, and needs the password to come back', async () => {
    const grace = await signedInPerson('grace@example.com')
    await grace.presses('Sign out')
    await grace.isSignedOut()
    await grace.follows('Sign in')
    await grace.signsIn('Not-her-password-1')
    await grace.reads('Incorrect username or password.')
    await grace.signsIn()
    await grace.isSignedIn()
  })

  test('a second app needs no password', async () => {
    const edith = await signedInPerson('edith@example.com')
    await edith.opens('/demo/sign-in?app=two')
    await edith.isSignedIn()
    expect(await edith.payloadOf('ID token')).toMatchObject({ aud: 'demo-two', email: 'edith@example.com' })
  })

  test('Cognito’s logout address ends the session of the browser and goes where the app asks', async () => {
    const hedy = await signedInPerson('hedy@example.com')
    const home = `${server.publicUrl}/demo`
    await hedy.opens(`/logout?client_id=demo&logout_uri=${encodeURIComponent(home)}`)
    expect(hedy.page.url()).toBe(home)
    await hedy.opens('/demo/sign-in?app=two')
    await hedy.signsIn()
    await hedy.isSignedIn()
  })

  test('a forgotten password is replaced by way of the mail, and the old one is worth nothing', async () => {
    const katherine = await signedInPerson('katherine@example.com')
    await katherine.presses('Sign out')
    await katherine.isSignedOut()
    await katherine.follows('Sign in')
    await katherine.isAt('Sign in')
    await katherine.follows('Forgot your password?')
    await katherine.isAt('Forgot your password?')
    await katherine.types('Email address', 'katherine@example.com')
    await katherine.presses('Send me a code')
    await katherine.isAt('Choose a new password')
    await katherine.types('Code from the message', await katherine.receivesCode())
    await katherine.types('New password', 'Trajectory-1962')
    await katherine.presses('Save new password')
    await katherine.isSignedIn()

    await katherine.presses('Sign out')
    await katherine.isSignedOut()
    await katherine.follows('Sign in')
    await katherine.signsIn('Analytical-1843')
    await katherine.reads('Incorrect username or password.')
    await katherine.signsIn('Trajectory-1962')
    await katherine.isSignedIn()
  })

  test('two tabs that sign in at the same time both come back to their app', async () => {
    const dorothy = await people.join({ email: 'dorothy@example.com', password: 'Analytical-1843' })
    await haveAccount(server, { username: 'dorothy@example.com', password: 'Analytical-1843' })
    await dorothy.opens('/demo/sign-in')
    const other = await dorothy.opensTab()
    await other.opens('/demo/sign-in?app=two')
    await dorothy.signsIn()
    await dorothy.isSignedIn()
    expect(await dorothy.payloadOf('ID token')).toMatchObject({ aud: 'demo' })
    await other.signsIn()
    await other.isSignedIn()
    expect(await other.payloadOf('ID token')).toMatchObject({ aud: 'demo-two' })
  })

  test('whoever signs in after somebody else in the same browser gets an account of their own', async () => {
    const joan = await signedInPerson('joan-clarke@example.com')
    await haveAccount(server, { username: 'mary@example.com', password: 'Trajectory-1962' })
    await joan.opens('/demo/sign-in?prompt=login')
    await joan.isAt('Sign in')
    await joan.types('Email address', 'mary@example.com')
    await joan.types('Password', 'Trajectory-1962')
    await joan.presses('Sign in')
    await joan.isAt('You’re signed in')
    expect(await joan.payloadOf('ID token')).toMatchObject({ email: 'mary@example.com' })
    await joan.opens('/demo/sign-in?app=two')
    expect(await joan.payloadOf('ID token')).toMatchObject({ email: 'mary@example.com', aud: 'demo-two' })
  })

  test('the app gets new tokens for the same user', async () => {
    const joan = await signedInPerson('joan@example.com')
    const before = await joan.payloadOf('ID token')
    const tokens = await Promise.all((['ID token', 'Access token'] as const).map(joan.rawToken))
    await joan.presses('Refresh tokens')
    await joan.reads('Here are your new tokens.')
    await joan.isSignedIn()
    expect(await joan.rawToken('ID token')).not.toBe(tokens[0])
    expect(await joan.rawToken('Access token')).not.toBe(tokens[1])
    const after = await joan.payloadOf('ID token')
    expect(after).toMatchObject({
      sub: before['sub'],
      auth_time: before['auth_time'],
      origin_jti: before['origin_jti'],
    })
  })
})
