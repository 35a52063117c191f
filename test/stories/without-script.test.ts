import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { haveAccount } from '../support/accounts.ts'
import { launchChromium } from '../support/chromium.ts'
import type { TestBrowser } from '../support/chromium.ts'
import { movableClock } from '../support/movable-clock.ts'
import { peopleAt, wrong } from '../support/person.ts'
import type { People } from '../support/person.ts'
import { databaseKinds, startServer } from '../support/server.ts'
import type { TestServer } from '../support/server.ts'

let chromium: TestBrowser
beforeAll(async () => {
  chromium = await launchChromium()
})
afterAll(() => chromium.close())

describe.each(databaseKinds)('with JavaScript turned off, on %s', (database) => {
  const clock = movableClock()
  const noScript = { javaScriptEnabled: false }
  let server: TestServer
  let people: People
  beforeAll(async () => {
    server = await startServer({ database, clock })
    people = peopleAt(chromium, server)
  })
  afterEach(async () => {
    expect(await people.leave()).toEqual([])
  })
  afterAll(() => server.stop())

  test('a new user signs up, asks for a second code when it may be asked for, and gets in with that one', async () => {
    const ada = await people.join({ email: 'ada@example.com', password: 'Analytical-1843' }, noScript)
    await ada.opens('/demo/sign-in')
    await ada.isAt('Sign in')
    await ada.follows('Create an account')
    await ada.signsUp()
    const first = await ada.receivesCode()
    await ada.entersCode(wrong(first))
    await ada.reads('Invalid verification code provided, please try again.')

    await ada.presses('Send a new code')
    await ada.reads('You can ask for a new code in')
    expect(await ada.page.getByText('We sent a new code').count()).toBe(0)

    clock.pass(31)
    await ada.page.reload()
    expect(await ada.page.getByText('You can ask for a new code in').count()).toBe(0)
    await ada.presses('Send a new code')
    await ada.reads('We sent a new code to a***@e***. Earlier codes no longer work.')
    const second = await ada.receivesCode()
    if (second !== first) {
      await ada.entersCode(first)
      await ada.reads('Invalid verification code provided, please try again.')
    }
    await ada.entersCode(second)
    await ada.isSignedIn()
    expect(await ada.payloadOf('ID token')).toMatchObject({ email: 'ada@example.com', email_verified: true })

    await ada.presses('Refresh tokens')
    await ada.reads('Here are your new tokens.')
    await ada.presses('Sign out')
    await ada.isSignedOut()
  })

  test('a forgotten password is replaced', async () => {
    const grace = await people.join({ email: 'grace@example.com', password: 'Analytical-1843' }, noScript)
    await haveAccount(server, { username: 'grace@example.com', password: 'Analytical-1843' })
    await grace.opens('/demo/sign-in')
    await grace.isAt('Sign in')
    await grace.follows('Forgot your password?')
    await grace.types('Email address', 'grace@example.com')
    await grace.presses('Send me a code')
    await grace.isAt('Choose a new password')
    const code = await grace.receivesCode()
    await grace.types('Code from the message', code)
    await grace.types('New password', 'too short')
    await grace.presses('Save new password')
    await grace.reads('Your password doesn’t meet all of the points below yet.')
    await grace.types('Code from the message', code)
    await grace.types('New password', 'Nanoseconds-1984')
    await grace.presses('Save new password')
    await grace.isSignedIn()

    await grace.presses('Sign out')
    await grace.follows('Sign in')
    await grace.signsIn('Analytical-1843')
    await grace.reads('Incorrect username or password.')
    await grace.signsIn('Nanoseconds-1984')
    await grace.isSignedIn()
  })

  test('no control that only script could serve is shown', async () => {
    const hedy = await people.join({ email: 'hedy@example.com', password: 'Analytical-1843' }, noScript)
    await hedy.opens('/demo/sign-in')
    await hedy.isAt('Sign in')
    expect(await hedy.page.locator('button:visible').allTextContents()).toEqual(['Sign in', 'Email me a code'])
  })
})
