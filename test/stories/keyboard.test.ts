import { Secret, TOTP } from 'otpauth'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { haveAccount } from '../support/accounts.ts'
import { launchChromium } from '../support/chromium.ts'
import type { TestBrowser } from '../support/chromium.ts'
import { focusOn, hasFocus, tabTo } from '../support/keyboard.ts'
import { peopleAt } from '../support/person.ts'
import type { People } from '../support/person.ts'
import { startServer } from '../support/server.ts'
import type { TestServer } from '../support/server.ts'
import { addAuthenticator } from '../support/virtual-authenticator.ts'

let chromium: TestBrowser
let server: TestServer
let people: People
beforeAll(async () => {
  ;[chromium, server] = await Promise.all([launchChromium(), startServer()])
  people = peopleAt(chromium, server)
})
afterEach(async () => {
  expect(await people.leave()).toEqual([])
})
afterAll(() => Promise.all([chromium.close(), server.stop()]))

test('signing up with the keyboard alone', async () => {
  const ada = await people.join({ email: 'ada@example.com', password: 'Analytical-1843' })
  const { page } = ada
  const { keyboard } = page
  await ada.opens('/demo')
  await tabTo(page, 'Sign in')
  await keyboard.press('Enter')
  await ada.isAt('Sign in')
  await hasFocus(page, 'Email address')
  await tabTo(page, 'Create an account')
  await keyboard.press('Enter')
  await ada.isAt('Create your account')

  await tabTo(page, 'Email address')
  await keyboard.type('ada at example')
  await tabTo(page, 'Password')
  await keyboard.type('Analytical-1843')
  await keyboard.press('Enter')
  await ada.reads('Please enter an email address, such as name@example.com.')
  await hasFocus(page, 'Email address')
  await keyboard.press('Control+A')
  await keyboard.type('ada@example.com')
  await tabTo(page, 'Password')
  await keyboard.type('short')
  await tabTo(page, 'Show password')
  await keyboard.press('Space')
  await hasFocus(page, 'Hide password')
  expect(await page.getByLabel('Password', { exact: true }).getAttribute('type')).toBe('text')
  await tabTo(page, 'Create account')
  await keyboard.press('Enter')
  await ada.reads('Your password doesn’t meet all of the points below yet.')
  await hasFocus(page, 'Password')
  await keyboard.type('Analytical-1843')
  await keyboard.press('Enter')

  await ada.isAt('Check your messages')
  await hasFocus(page, 'Verification code')
  await keyboard.type('1234')
  await keyboard.press('Enter')
  await ada.reads('Invalid verification code provided, please try again.')
  await hasFocus(page, 'Verification code')
  await keyboard.type(await ada.receivesCode())
  await tabTo(page, 'Continue')
  await keyboard.press('Enter')
  await ada.isSignedIn()
})

test('signing in and out with the keyboard alone', async () => {
  const grace = await people.join({ email: 'grace@example.com', password: 'Analytical-1843' })
  await haveAccount(server, { username: 'grace@example.com', password: 'Analytical-1843' })
  const { page } = grace
  const { keyboard } = page
  await grace.opens('/demo/sign-in')
  await grace.isAt('Sign in')
  await hasFocus(page, 'Email address')
  await keyboard.type('grace@example.com')
  await tabTo(page, 'Password')
  await keyboard.type('Not-her-password-1')
  await keyboard.press('Enter')
  await grace.reads('Incorrect username or password.')
  expect(await page.getByRole('alert').textContent()).toContain('Incorrect username or password.')
  expect(await page.title()).toMatch(/^Error: /)
  await hasFocus(page, 'Password')
  await keyboard.type('Analytical-1843')
  await keyboard.press('Enter')
  await grace.isSignedIn()
  await tabTo(page, 'Sign out')
  await keyboard.press('Enter')
  await grace.isSignedOut()
})

test('the order of Tab is the order of reading', async () => {
  const edith = await people.join({ email: 'edith@example.com', password: 'Analytical-1843' })
  await edith.opens('/demo/sign-in')
  await edith.isAt('Sign in')
  await hasFocus(edith.page, 'Email address')
  const order: string[] = []
  for (let presses = 0; presses < 8; presses += 1) {
    await edith.page.keyboard.press('Tab')
    order.push((await focusOn(edith.page)).name)
  }
  expect(order).toEqual([
    'Forgot your password?',
    'Password',
    'Show password',
    'Keep me signed in',
    'Sign in',
    'Email me a code',
    'Sign in with a passkey',
    'Create an account',
  ])
})

test('setting up an authenticator app and recovery codes with the keyboard alone, on the account page', async () => {
  const joan = await people.join({ email: 'joan@example.com', password: 'Analytical-1843' })
  await haveAccount(server, { username: 'joan@example.com', password: 'Analytical-1843' })
  const { page } = joan
  const { keyboard } = page
  await joan.opens('/account/factors')
  await joan.isAt('Sign in')
  await keyboard.type('joan@example.com')
  await tabTo(page, 'Password')
  await keyboard.type('Analytical-1843')
  await keyboard.press('Enter')
  await joan.isAt('Two-step sign-in')
  await tabTo(page, 'Set up an authenticator app')
  await keyboard.press('Enter')
  await joan.isAt('Set up an authenticator app')
  await hasFocus(page, 'Code from the app')
  const app = new TOTP({ secret: Secret.fromBase32((await page.locator('code').innerText()).replaceAll(' ', '')) })
  await keyboard.type('000000')
  await keyboard.press('Enter')
  await joan.reads('Invalid verification code provided, please try again.')
  await hasFocus(page, 'Code from the app')
  await keyboard.type(app.generate())
  await keyboard.press('Enter')
  await joan.reads('We’ll ask for it from your next sign-in on.')
  await tabTo(page, 'Recovery codes')
  await keyboard.press('Enter')
  await joan.isAt('Recovery codes')
  await tabTo(page, 'Make new codes')
  await keyboard.press('Enter')
  await joan.isAt('Your recovery codes')
  expect(await page.locator('.recovery-codes li').count()).toBe(10)
  await tabTo(page, 'Download')
  const download = page.waitForEvent('download')
  await keyboard.press('Enter')
  expect((await download).suggestedFilename()).toBe('recovery-codes.txt')
})

test('making a passkey, naming it and signing in with it, with the keyboard alone', async () => {
  const rosa = await people.join({ email: 'rosa@example.com', password: 'Analytical-1843' })
  await haveAccount(server, { username: 'rosa@example.com', password: 'Analytical-1843' })
  const { page } = rosa
  const { keyboard } = page
  // Plugged in, so that nothing is offered in a list: it is asked for.
  await addAuthenticator(page, { transport: 'usb' })
  await rosa.opens('/account/passkeys')
  await rosa.isAt('Sign in')
  await keyboard.type('rosa@example.com')
  await tabTo(page, 'Password')
  await keyboard.type('Analytical-1843')
  await keyboard.press('Enter')
  await rosa.isAt('Passkeys')
  await tabTo(page, 'Create a passkey')
  await keyboard.press('Enter')
  await rosa.reads('Your passkey is ready.')
  await tabTo(page, 'Name')
  await keyboard.press('Control+A')
  await keyboard.type('The key on my ring')
  await keyboard.press('Enter')
  await rosa.reads('Saved.')
  await rosa.reads('The key on my ring')
  await rosa.opens('/logout?client_id=demo')
  await rosa.opens('/demo/sign-in')
  await tabTo(page, 'Sign in with a passkey')
  await keyboard.press('Enter')
  await rosa.isSignedIn()
})
