import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { haveAccount } from '../support/accounts.ts'
import { launchChromium } from '../support/chromium.ts'
import type { PageOptions, TestBrowser } from '../support/chromium.ts'
import { movableClock } from '../support/movable-clock.ts'
import { axeComplaints } from '../support/page-audit.ts'
import { peopleAt } from '../support/person.ts'
import type { People, Person } from '../support/person.ts'
import { freePort } from '../support/server-process.ts'
import { databaseKinds, startServer } from '../support/server.ts'
import type { TestServer } from '../support/server.ts'

const password = 'Analytical-1843'
const minute = 60
const day = 86_400

/** The demo's pool, with limits that a story can reach. */
const configurationOf = (publicUrl: string): string =>
  JSON.stringify({
    UserPools: [
      {
        PoolName: 'default',
        Default: true,
        UsernameAttributes: ['email'],
        AutoVerifiedAttributes: ['email'],
        SSOSession: { MaxValidityMinutes: 60, IdleMinutes: 20 },
        RememberMe: { MaxValidityMinutes: 43_200, IdleMinutes: 20_160 },
        Clients: ['demo', 'demo-two'].map((ClientId) => ({
          ClientId,
          CallbackURLs: [`${publicUrl}/demo/callback`],
          LogoutURLs: [`${publicUrl}/demo`],
          AllowedOAuthScopes: ['openid', 'email', 'profile'],
        })),
      },
    ],
  })

let chromium: TestBrowser
beforeAll(async () => {
  chromium = await launchChromium()
})
afterAll(() => chromium.close())

describe.each(databaseKinds)('in Chromium, on %s', (database) => {
  const clock = movableClock()
  let server: TestServer
  let people: People
  beforeAll(async () => {
    const port = await freePort()
    const configuration = configurationOf(`http://localhost:${port}`)
    server = await startServer({ database, clock, configuration, environment: { port } })
    people = peopleAt(chromium, server)
  })
  afterEach(async () => {
    expect(await people.leave()).toEqual([])
  })
  afterAll(() => server.stop())

  let count = 0
  async function join(options?: PageOptions): Promise<Person> {
    count += 1
    const email = `person${count}@example.com`
    await haveAccount(server, { username: email, password })
    return people.join({ email, password }, options)
  }

  async function signsIn(person: Person, stay: boolean): Promise<void> {
    await person.opens('/demo/sign-in')
    await person.isAt('Sign in')
    if (stay) await person.page.getByLabel('Keep me signed in', { exact: true }).check()
    await person.signsIn()
    await person.isSignedIn()
  }

  /** Closes the browser and opens it again: what it had to keep is there, the rest is gone. */
  async function reopens({ account, page }: Person, options: PageOptions = {}): Promise<Person> {
    const { cookies } = await page.context().storageState()
    await page.context().close()
    const kept = cookies.filter(({ expires }) => expires !== -1)
    return people.join(account, { ...options, storageState: { cookies: kept, origins: [] } })
  }

  /** Asked for by the app, which itself has forgotten everything with the browser. */
  const isLetIn = async (person: Person): Promise<void> => {
    await person.opens('/demo/sign-in')
    await person.isSignedIn()
  }
  const isAsked = async (person: Person): Promise<void> => {
    await person.opens('/demo/sign-in')
    await person.isAt('Sign in')
  }

  test('whoever asks to be kept signed in still is when the browser is opened again, weeks later', async () => {
    let ada = await join()
    await signsIn(ada, true)
    ada = await reopens(ada)
    await isLetIn(ada)
    for (const days of [13, 13]) {
      clock.pass(days * day)
      ada = await reopens(ada)
      await isLetIn(ada)
    }
    clock.pass(5 * day)
    ada = await reopens(ada)
    await isAsked(ada)
  })

  test('and is not, when nothing was heard for two weeks', async () => {
    const grace = await join()
    await signsIn(grace, true)
    clock.pass(15 * day)
    const later = await reopens(grace)
    await isAsked(later)
  })

  test('whoever does not is signed out with the browser', async () => {
    const hedy = await join()
    await signsIn(hedy, false)
    await isLetIn(hedy)
    const later = await reopens(hedy)
    await isAsked(later)
  })

  test('a browser that stays open is asked again after twenty idle minutes, and after an hour in any case', async () => {
    const mary = await join()
    await signsIn(mary, false)
    for (const minutes of [15, 15]) {
      clock.pass(minutes * minute)
      await isLetIn(mary)
    }
    clock.pass(21 * minute)
    await isAsked(mary)
    expect(await mary.page.getByLabel('Email address', { exact: true }).inputValue()).toBe('')
    await mary.signsIn()
    await mary.isSignedIn()
    for (const minutes of [15, 15, 15, 10]) {
      clock.pass(minutes * minute)
      await isLetIn(mary)
    }
    clock.pass(6 * minute)
    await isAsked(mary)
  })

  test('signing out ends it, kept or not', async () => {
    const kay = await join()
    await signsIn(kay, true)
    await kay.presses('Sign out')
    await kay.isSignedOut()
    const later = await reopens(kay)
    await isAsked(later)
  })

  describe('the choice of an account', () => {
    const chooses = async (person: Person): Promise<void> => {
      await person.opens('/demo/sign-in?prompt=select_account')
      await person.isAt('Which account?')
      await person.reads(person.account.email)
    }

    test('has nothing for axe to find, nor has the box', async () => {
      const person = await join()
      await person.opens('/demo/sign-in')
      await person.isAt('Sign in')
      for (const scheme of ['light', 'dark'] as const) expect(await axeComplaints(person.page, scheme)).toEqual([])
      await person.opens('/demo')
      await signsIn(person, false)
      await chooses(person)
      for (const scheme of ['light', 'dark'] as const) expect(await axeComplaints(person.page, scheme)).toEqual([])
    })

    /** Presses Tab until the element with this name has the focus. */
    async function tabTo(page: Page, name: string): Promise<void> {
      const focused = () =>
        page.evaluate(`(() => {
          const element = document.activeElement
          return (element.closest('label') ?? element).textContent.trim()
        })()`)
      for (let presses = 0; presses < 12; presses += 1) {
        await page.keyboard.press('Tab')
        if ((await focused()) === name) return
      }
      throw new Error(`Tab does not lead to ${name}`)
    }

    test('works with the keyboard alone, and so does the box', async () => {
      let person = await join()
      const { keyboard } = person.page
      await person.opens('/demo/sign-in')
      await person.isAt('Sign in')
      await person.types('Email address', person.account.email)
      await person.types('Password', password)
      await tabTo(person.page, 'Keep me signed in')
      await keyboard.press('Space')
      await keyboard.press('Enter')
      await person.isSignedIn()
      person = await reopens(person)
      await chooses(person)
      await person.page.keyboard.press('Enter')
      await person.isSignedIn()
      await chooses(person)
      await tabTo(person.page, 'Use another account')
      await person.page.keyboard.press('Enter')
      await person.isAt('Sign in')
    })

    test.each(['en-US', 'de-DE', 'ar'])('works without script, in %s', async (locale) => {
      const person = await join({ javaScriptEnabled: false, locale })
      const { page } = person
      const press = () => page.locator('main form button[type=submit]').first().click()
      await person.opens('/demo/sign-in')
      await page.locator('input[name=username]').fill(person.account.email)
      await page.locator('input[name=password]').fill(password)
      await page.locator('input[name=rememberMe]').check()
      await page.locator('button[name=signInSubmitButton]').click()
      await page.waitForURL(`${server.publicUrl}/demo`)
      await person.opens('/demo/sign-in?prompt=select_account')
      expect(await page.locator('main').textContent()).toContain(person.account.email)
      await press()
      await page.waitForURL(`${server.publicUrl}/demo`)
      await person.opens('/demo/sign-in?prompt=select_account')
      await page.locator('main .aside a').click()
      await page.locator('input[name=username]').waitFor()
      expect(await page.locator('input[name=username]').inputValue()).toBe('')
    })
  })
})
