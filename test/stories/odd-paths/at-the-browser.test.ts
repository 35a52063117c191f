import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { confirmUser, deleteUser, disableUser, findUser } from '../../../src/domain/users/administer-user.ts'
import type { User } from '../../../src/domain/users/user.ts'
import { haveAccount, userPoolOf } from '../../support/accounts.ts'
import { cookielessProxy } from '../../support/cookieless-proxy.ts'
import { launchChromium } from '../../support/chromium.ts'
import type { PageOptions, TestBrowser } from '../../support/chromium.ts'
import { movableClock } from '../../support/movable-clock.ts'
import { peopleAt } from '../../support/person.ts'
import type { People, Person } from '../../support/person.ts'
import { databaseKinds, startServer } from '../../support/server.ts'
import type { TestServer } from '../../support/server.ts'

const password = 'Analytical-1843'
let chromium: TestBrowser
beforeAll(async () => {
  chromium = await launchChromium()
})
afterAll(() => chromium.close())

// On PostgreSQL alone: nothing here differs between the two, and it takes long.
describe.each(databaseKinds.slice(1))('in Chromium, on %s', (database) => {
  const clock = movableClock()
  let server: TestServer
  let people: People
  beforeAll(async () => {
    server = await startServer({ database, clock })
    people = peopleAt(chromium, server)
  })
  afterEach(async () => {
    // A page that cannot go on has a 4xx status, and Chromium says so.
    const complaints = (await people.leave()).filter((text) => !text.includes('responded with a status of 400'))
    expect(complaints).toEqual([])
  })
  afterAll(() => server.stop())

  /** One who has an account and stands at the sign-in page. */
  async function atSignIn(email: string, options?: PageOptions): Promise<Person> {
    const person = await people.join({ email, password }, options)
    await haveAccount(server, { username: email, password })
    await person.opens('/demo/sign-in')
    await person.isAt('Sign in')
    return person
  }

  async function fillsIn(person: Person, typed = password): Promise<void> {
    await person.types('Email address', person.account.email)
    await person.types('Password', typed)
  }

  test('back from the app: the sign-in page says that it is done, and leads to the app, signed in', async () => {
    const ada = await atSignIn('ada@example.com')
    await ada.signsIn()
    await ada.isSignedIn()
    await ada.page.goBack()
    await ada.isAt('This sign-in is already done')
    await ada.follows('Start over')
    await ada.isSignedIn()
  })

  test('back and forth between the pages: each is as it was, and the last one counts', async () => {
    const grace = await people.join({ email: 'grace@example.com', password })
    await grace.opens('/demo/sign-in')
    await grace.follows('Create an account')
    await grace.signsUp()
    await grace.page.goBack()
    await grace.isAt('Create your account')
    await grace.page.goBack()
    await grace.isAt('Sign in')
    await grace.page.goForward()
    await grace.signsUp()
    await grace.page.reload()
    await grace.isAt('Check your messages')
    await grace.entersCode(await grace.receivesCode())
    await grace.isSignedIn()
  })

  test('two tabs of one sign-in: finished in the one, the other says so and leads to the app, signed in', async () => {
    const edith = await atSignIn('edith@example.com')
    const other = await edith.opensTab()
    await other.page.goto(edith.page.url())
    await other.isAt('Sign in')
    await edith.signsIn()
    await edith.isSignedIn()
    await other.signsIn()
    await other.isAt('This sign-in is already done')
    await other.follows('Start over')
    await other.isSignedIn()
  })

  test('two tabs of one sign-up: the code may be entered in either', async () => {
    const hedy = await people.join({ email: 'hedy@example.com', password })
    await hedy.opens('/demo/sign-in')
    await hedy.follows('Create an account')
    const other = await hedy.opensTab()
    await hedy.isAt('Create your account')
    await other.page.goto(hedy.page.url())
    await hedy.signsUp()
    await other.signsUp()
    await other.entersCode(await hedy.receivesCode())
    await other.isSignedIn()
    await hedy.page.reload()
    await hedy.isAt('This sign-in is already done')
    await hedy.follows('Start over')
    await hedy.isSignedIn()
  })

  test.each([true, false])('a button pressed twice, with script: %s, is as good as once', async (javaScriptEnabled) => {
    const email = `twice-${javaScriptEnabled}@example.com`
    const joan = await people.join({ email, password }, { javaScriptEnabled })
    await joan.opens('/demo/sign-in')
    await joan.follows('Create an account')
    await joan.isAt('Create your account')
    await fillsIn(joan)
    await joan.pressesTwice('Create account')
    await joan.isAt('Check your messages')
    await joan.types('Verification code', await joan.receivesCode())
    await joan.pressesTwice('Continue')
    await joan.isSignedIn()
    await joan.opens('/demo/sign-in?prompt=login')
    await joan.isAt('Sign in')
    await fillsIn(joan)
    await joan.pressesTwice('Sign in')
    await joan.isSignedIn()
  })

  test('a refusal reloaded, which sends the form again: the same page, and the right password gets in', async () => {
    const mary = await atSignIn('mary@example.com')
    await mary.signsIn('Not-her-password-1')
    await mary.reads('Incorrect username or password.')
    await mary.page.reload()
    await mary.reads('Incorrect username or password.')
    await mary.signsIn()
    await mary.isSignedIn()
  })

  test('a page left open for hours: the form starts again from there, and comes to the app', async () => {
    const dorothy = await atSignIn('dorothy@example.com')
    clock.pass(3 * 3600)
    await dorothy.signsIn()
    await dorothy.isAt('That took a little too long')
    await dorothy.follows('Start again')
    await dorothy.signsIn()
    await dorothy.isSignedIn()
  })

  test('a sign-in page kept as a bookmark: days later it leads to the app, which begins anew', async () => {
    const katherine = await atSignIn('katherine@example.com')
    const bookmark = katherine.page.url()
    clock.pass(3 * 86_400)
    await katherine.page.goto(bookmark)
    await katherine.isAt('That took a little too long')
    await katherine.follows('Start over')
    await katherine.isSignedOut()
    await katherine.follows('Sign in')
    await katherine.signsIn()
    await katherine.isSignedIn()
  })

  test('cookies cleared on the way: the page says so and leads to the app, which begins anew', async () => {
    const rosalind = await atSignIn('rosalind@example.com')
    await rosalind.page.context().clearCookies()
    await rosalind.signsIn()
    await rosalind.isAt('This was begun in another browser')
    await rosalind.follows('Start over')
    await rosalind.isSignedOut()
    await rosalind.follows('Sign in')
    await rosalind.signsIn()
    await rosalind.isSignedIn()
  })

  test('the address of a sign-in page sent to somebody else: they are led to the app, and sign in as themselves', async () => {
    const lise = await atSignIn('lise@example.com')
    const emmy = await people.join({ email: 'emmy@example.com', password })
    await haveAccount(server, { username: 'emmy@example.com', password })
    await emmy.page.goto(lise.page.url())
    await emmy.isAt('This was begun in another browser')
    await emmy.follows('Start over')
    await emmy.isSignedOut()
    await emmy.follows('Sign in')
    await emmy.signsIn()
    await emmy.isSignedIn()
    await lise.signsIn()
    await lise.isSignedIn()
  })

  test.each([
    ['/login', 'Sign in'],
    ['/signup', 'Create your account'],
    ['/forgotPassword', 'Forgot your password?'],
  ])('%s linked to by an app: that page, and on from there to the app', async (path, heading) => {
    const email = `link-to-${path.slice(1).toLowerCase()}@example.com`
    const karen = await people.join({ email, password })
    if (path !== '/signup') await haveAccount(server, { username: email, password })
    const asked = karen.page.waitForRequest((request) => request.url().includes('/oauth2/authorize?'))
    await karen.opens('/demo/sign-in')
    const { search } = new URL((await asked).url())
    await karen.opens(`${path}${search}`)
    await karen.isAt(heading)
    if (path === '/signup') {
      await karen.signsUp()
      await karen.entersCode(await karen.receivesCode())
    } else if (path === '/login') {
      await karen.signsIn()
    } else {
      await karen.types('Email address', email)
      await karen.presses('Send me a code')
      await karen.isAt('Choose a new password')
      await karen.types('Code from the message', await karen.receivesCode())
      await karen.types('New password', 'Trajectory-1962')
      await karen.presses('Save new password')
    }
    await karen.isSignedIn()
  })

  test.each(['/login', '/signup', '/forgotPassword', '/confirm', '/login?client_id=demo'])(
    '%s opened with no request behind it: it says where a sign-in starts, and leads there',
    async (path) => {
      const visitor = await people.join({ email: 'nobody@example.com', password })
      await visitor.opens(`/${userPoolOf(server).id}${path}`)
      await visitor.isAt('Signing in starts in the app')
      await visitor.page.getByRole('main').getByRole('link').first().click()
      await visitor.isSignedOut()
    },
  )

  test('cookies turned off: the page says so', async () => {
    const proxy = await cookielessProxy()
    const chien = await people.join({ email: 'chien@example.com', password }, { proxy: { server: proxy.url } })
    await chien.opens('/demo/sign-in')
    await chien.isAt('Your browser didn’t keep our cookie')
    await proxy.close()
  })

  describe('the account', () => {
    const services = () => server.services.domain
    async function userOf(email: string): Promise<User> {
      const user = await findUser(services(), userPoolOf(server), email)
      if (user === undefined) throw new Error(`there is no user ${email}`)
      return user
    }
    async function waitsForCode(email: string): Promise<Person> {
      const person = await people.join({ email, password })
      await person.opens('/demo/sign-in')
      await person.follows('Create an account')
      await person.signsUp()
      return person
    }

    test('confirmed elsewhere meanwhile: the page says so, and the password gets in', async () => {
      const barbara = await waitsForCode('barbara@example.com')
      await confirmUser(services(), await userOf('barbara@example.com'))
      await barbara.entersCode(await barbara.receivesCode())
      await barbara.isAt('Sign in')
      await barbara.reads('Your account is confirmed already.')
      await barbara.signsIn()
      await barbara.isSignedIn()
    })

    test('disabled meanwhile: whoever has the code is told', async () => {
      const vera = await waitsForCode('vera@example.com')
      await disableUser(services(), await userOf('vera@example.com'))
      await vera.entersCode(await vera.receivesCode())
      await vera.isAt('This account is switched off')
      await vera.reads('ask the people who run the app')
    })

    test('deleted meanwhile: one signs up anew', async () => {
      const chien = await waitsForCode('shiung@example.com')
      const code = await chien.receivesCode()
      await deleteUser(services(), await userOf('shiung@example.com'))
      await chien.entersCode(code)
      await chien.isAt('Create your account')
      await chien.signsUp()
      await chien.entersCode(await chien.receivesCode())
      await chien.isSignedIn()
    })
  })

  test.each([-5, 5])(
    'a browser whose clock is wrong by %d days signs up, waits for a code, and gets in',
    async (days) => {
      const mileva = await people.join({ email: `mileva${days}@example.com`, password })
      await mileva.page.clock.install({ time: Date.now() + days * 86_400_000 })
      await mileva.opens('/demo/sign-in')
      await mileva.follows('Create an account')
      await mileva.signsUp()
      await mileva.reads('You can ask for a new code in')
      await mileva.page.clock.runFor(31_000)
      clock.pass(31)
      const first = await mileva.receivesCode()
      await mileva.presses('Send a new code')
      await mileva.reads('We sent a new code')
      const second = await mileva.receivesCode()
      expect(second).not.toBe(first)
      await mileva.entersCode(second)
      await mileva.isSignedIn()
    },
  )
})
