import type { BrowserContext, Locator, Page, Route } from 'playwright-core'
import type { PageOptions, TestBrowser } from './chromium.ts'
import { linkFor } from './confirmation-links.ts'
import { listenForComplaints } from './page-audit.ts'
import type { TestServer } from './server.ts'

export interface Account {
  email: string
  password: string
}

/** Somebody at a browser: does what the pages offer, and waits until they show what is expected. */
export interface Person {
  account: Account
  page: Page
  /** Opens a path of the server. */
  opens(path: string): Promise<void>
  /** Another tab of the same browser. */
  opensTab(): Promise<Person>
  /** Waits for a page by its main heading. */
  isAt(heading: string): Promise<void>
  /** Waits for a text on the page. */
  reads(text: string): Promise<void>
  types(label: string, text: string): Promise<void>
  presses(button: string): Promise<void>
  /** Without script the second form goes out after the first was answered, and before the browser has heard of it. */
  pressesTwice(button: string): Promise<void>
  follows(link: string): Promise<void>
  /** On the sign-up page. */
  signsUp(): Promise<void>
  /** On the sign-in page. */
  signsIn(password?: string): Promise<void>
  /** On a page that asks for a code. */
  entersCode(code: string): Promise<void>
  /** The code of the next message that this person has not read yet. */
  receivesCode(): Promise<string>
  /** The link to confirm a sign-up in the next message that this person has not read yet. */
  receivesLink(): Promise<string>
  /** Waits for the demo app's page for whoever is signed in, and checks who that is. */
  isSignedIn(): Promise<void>
  /** Waits for the demo app's page for strangers. */
  isSignedOut(): Promise<void>
  /** The decoded payload that the demo app shows of a token. */
  payloadOf(token: 'ID token' | 'Access token'): Promise<Record<string, unknown>>
  rawToken(token: 'ID token' | 'Access token' | 'Refresh token'): Promise<string>
}

export interface People {
  /** Somebody with a browser profile of their own. */
  join(account: Account, options?: PageOptions): Promise<Person>
  /** Closes their browsers. @returns what the browsers complained about */
  leave(): Promise<readonly string[]>
}

/** The people of a story. */
export function peopleAt(chromium: TestBrowser, server: TestServer): People {
  const contexts: BrowserContext[] = []
  const complaints: string[][] = []
  return {
    async join(account, options) {
      const context = await chromium.newContext(options)
      contexts.push(context)
      complaints.push(await listenForComplaints(context))
      return personAt(context, server, account, options)
    },
    async leave() {
      await Promise.all(contexts.splice(0).map((context) => context.close()))
      return complaints.splice(0).flat()
    },
  }
}

async function personAt(
  context: BrowserContext,
  server: TestServer,
  account: Account,
  options: PageOptions = {},
): Promise<Person> {
  const page = await context.newPage()
  const waitFor = (text: string) => page.getByText(text).first().waitFor()
  const isAt = (heading: string) => page.getByRole('heading', { level: 1, name: heading, exact: true }).waitFor()
  const types = (label: string, text: string) => page.getByLabel(label, { exact: true }).fill(text)
  const button = (name: string) => page.getByRole('button', { name, exact: true })
  const presses = (name: string) => button(name).click()
  const shownAs = async (name: string) => (await page.getByRole('region', { name, exact: true }).textContent()) ?? ''
  let read = await server.mail()
  return {
    account,
    page,
    isAt,
    types,
    presses,
    pressesTwice: (name) =>
      options.javaScriptEnabled === false ? loseFirstAnswer(page, button(name)) : button(name).dblclick(),
    reads: waitFor,
    opensTab: () => personAt(context, server, account, options),
    async opens(path) {
      await page.goto(`${server.publicUrl}${path}`)
    },
    follows: (name) => page.getByRole('link', { name, exact: true }).click(),
    async signsUp() {
      await isAt('Create your account')
      await types('Email address', account.email)
      await types('Password', account.password)
      await presses('Create account')
      await isAt('Check your messages')
    },
    async signsIn(password = account.password) {
      await isAt('Sign in')
      await types('Email address', account.email)
      await types('Password', password)
      await presses('Sign in')
    },
    async entersCode(code) {
      await types('Verification code', code)
      await presses('Continue')
    },
    async receivesCode() {
      const code = await server.codeFor(account.email, read)
      read = await server.mail()
      return code
    },
    async receivesLink() {
      const link = await linkFor(server, account.email, read)
      read = await server.mail()
      return link
    },
    async isSignedIn() {
      await isAt('You’re signed in')
      await waitFor(account.email)
    },
    isSignedOut: () => isAt('Try it: sign in to the demo app'),
    payloadOf: async (token) => JSON.parse(await shownAs(`${token} Payload`)) as Record<string, unknown>,
    rawToken: (token) => shownAs(`${token} As sent`),
  }
}

async function loseFirstAnswer(page: Page, button: Locator): Promise<void> {
  const answered = Promise.withResolvers<unknown>()
  let isFirst = true
  const hold = async (route: Route): Promise<void> => {
    if (!isFirst || route.request().method() !== 'POST') return route.continue()
    isFirst = false
    answered.resolve(await route.fetch({ maxRedirects: 0 }))
  }
  await page.route('**', hold)
  // By the mouse: a locator would wait for the answer.
  await button.scrollIntoViewIfNeeded()
  const { x, y, width, height } = (await button.boundingBox())!
  const press = () => page.mouse.click(x + width / 2, y + height / 2)
  await press()
  await answered.promise
  // A request that is on its way while the browser is told to hold none any more may be held for ever.
  const loaded = page.waitForEvent('load')
  await press()
  await loaded
  await page.unroute('**', hold)
}

/** A code that is not the right one. */
export const wrong = (code: string): string => (code === '000000' ? '111111' : '000000')
