import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { launchChromium } from '../../support/chromium.ts'
import type { PageOptions, TestBrowser } from '../../support/chromium.ts'
import { linkPoolsOf } from '../../support/confirmation-links.ts'
import { hasFocus, tabTo } from '../../support/keyboard.ts'
import { movableClock } from '../../support/movable-clock.ts'
import { axeComplaints } from '../../support/page-audit.ts'
import { peopleAt } from '../../support/person.ts'
import type { People, Person } from '../../support/person.ts'
import { plainAppHeading, startPlainApp } from '../../support/plain-app.ts'
import type { PlainApp } from '../../support/plain-app.ts'
import { authorizationRequest } from '../../support/relying-party.ts'
import { databaseKinds, startServer } from '../../support/server.ts'
import type { TestServer } from '../../support/server.ts'

/* Confirming a sign-up by the link of a mail, in a real browser, for an app on an origin of its own. */

const password = 'Analytical-1843'
const day = 86_400

let app: PlainApp
let chromium: TestBrowser
beforeAll(async () => {
  ;[app, chromium] = await Promise.all([startPlainApp(), launchChromium()])
})
afterAll(() => Promise.all([app.stop(), chromium.close()]))

// On PostgreSQL alone: nothing here differs between the two, and it takes long.
describe.each(databaseKinds.slice(1))('in Chromium, on %s', (database) => {
  const clock = movableClock()
  let server: TestServer
  let people: People
  beforeAll(async () => {
    server = await startServer({
      configuration: linkPoolsOf(`${app.origin}/callback`),
      database,
      clock,
    })
    people = peopleAt(chromium, server)
  })
  afterEach(async () => {
    // A link that confirms nothing has a 4xx status, and Chromium says so.
    const complaints = (await people.leave()).filter((text) => !text.includes('responded with a status of 400'))
    expect(complaints).toEqual([])
  })
  afterAll(() => server.stop())

  const join = (name: string, options?: PageOptions): Promise<Person> =>
    people.join({ email: `${name}@example.com`, password }, options)

  /** Sent by the app to the sign-in page. */
  async function begins({ page }: Person): Promise<void> {
    const request = authorizationRequest(server.publicUrl, {
      client_id: 'email',
      redirect_uri: `${app.origin}/callback`,
    })
    await page.goto(request.url)
  }

  /** Somebody who has signed up and waits for the mail. */
  async function signedUp(name: string, options?: PageOptions): Promise<{ person: Person; link: string }> {
    const person = await join(name, options)
    await begins(person)
    await person.follows('Create an account')
    await person.signsUp()
    await person.reads('we sent a link to')
    return { person, link: await person.receivesLink() }
  }

  async function isAtTheApp(person: Person): Promise<void> {
    await person.isAt(plainAppHeading)
    expect(new URL(person.page.url()).searchParams.get('code')).toMatch(/^[\w-]{43}$/)
  }

  const withAndWithoutScript = [{ javaScriptEnabled: true }, { javaScriptEnabled: false }]

  test.each(withAndWithoutScript)('in the browser that signed up, a button ends at the app: %o', async (options) => {
    const { person: ada, link } = await signedUp(`ada-${options.javaScriptEnabled}`, options)
    const mail = await ada.opensTab()
    await mail.page.goto(link)
    await mail.isAt('Confirm your account')
    expect(await mail.page.getByLabel('Password', { exact: true }).count()).toBe(0)
    await mail.presses('Confirm')
    await isAtTheApp(mail)
    await ada.presses('Continue')
    await ada.isAt('This sign-in is already done')
    await ada.follows('Start over')
    await ada.isAt(plainAppHeading)
    await mail.page.goto(link)
    await mail.isAt('Your account is confirmed')
  })

  test.each(withAndWithoutScript)('at another browser it takes the password: %o', async (options) => {
    const { person: grace, link } = await signedUp(`grace-${options.javaScriptEnabled}`, options)
    await grace.presses('Continue')
    await grace.reads('Please open the link in the message first.')
    const phone = await join('grace-at-her-phone', options)
    await phone.page.goto(link)
    await phone.isAt('Confirm your account')
    await phone.presses('Confirm')
    await phone.reads('Please enter your password.')
    await phone.types('Password', 'Something-else-1')
    await phone.presses('Confirm')
    await phone.reads('This isn’t the password that was chosen')
    await phone.types('Password', password)
    await phone.presses('Confirm')
    await phone.isAt('Your account is confirmed')
    await phone.page.reload()
    await phone.isAt('Your account is confirmed')
    await grace.presses('Continue')
    await grace.signsIn()
    await isAtTheApp(grace)
  })

  test.each(withAndWithoutScript)('or a new password, which ends what a stranger chose: %o', async (options) => {
    const { person: stranger, link } = await signedUp(`hedy-${options.javaScriptEnabled}`, options)
    const hedy = await people.join({ email: stranger.account.email, password: 'Frequency-1942' }, options)
    await hedy.page.goto(link)
    await hedy.follows('Choose a new password')
    await hedy.types('New password', 'short')
    await hedy.presses('Confirm')
    await hedy.reads('Your password doesn’t meet all of the points below yet.')
    await hedy.types('New password', hedy.account.password)
    await hedy.presses('Confirm')
    await hedy.isAt('Your account is confirmed')
    await begins(hedy)
    await hedy.signsIn()
    await isAtTheApp(hedy)
    await stranger.presses('Continue')
    await stranger.signsIn()
    await stranger.reads('Incorrect username or password.')
  })

  test.each(withAndWithoutScript)('pressed twice, it is as good as once: %o', async (options) => {
    const { person: joan, link } = await signedUp(`joan-${options.javaScriptEnabled}`, options)
    await joan.page.goto(link)
    await joan.pressesTwice('Confirm')
    await isAtTheApp(joan)
  })

  test('a browser that fetches the link before anybody follows it takes nothing away', async () => {
    const { person: mary, link } = await signedUp('mary')
    const scanner = await join('scanner')
    for (const address of [link, `${link}&choose=password`, link]) {
      await scanner.page.goto(address)
      await scanner.isAt('Confirm your account')
    }
    await mary.page.goto(link)
    await mary.presses('Confirm')
    await isAtTheApp(mary)
  })

  test('from the development mailbox, where the mail stands in a frame', async () => {
    const { person: rosa } = await signedUp('rosa')
    const [mail] = await server.mail()
    await rosa.opens(`/dev/mail/${mail?.id ?? ''}`)
    await rosa.isAt(mail?.subject ?? '')
    await rosa.page.getByRole('link', { name: '/confirmUser?' }).click()
    await rosa.isAt('Confirm your account')
    await rosa.presses('Confirm')
    await isAtTheApp(rosa)
  })

  test('with the keyboard alone: same browser, another one, a new password', async () => {
    const { person: edith, link } = await signedUp('edith')
    const elsewhere = await join('edith-elsewhere')
    const { page } = elsewhere
    const { keyboard } = page
    await page.goto(link)
    await hasFocus(page, 'Password')
    await tabTo(page, 'Show password')
    await tabTo(page, 'Confirm')
    await tabTo(page, 'Choose a new password')
    await keyboard.press('Enter')
    await page.getByLabel('New password', { exact: true }).waitFor()
    await tabTo(page, 'New password')
    await keyboard.type('short')
    await keyboard.press('Enter')
    await elsewhere.reads('Your password doesn’t meet all of the points below yet.')
    await hasFocus(page, 'New password')
    await tabTo(page, 'Enter the password')
    await keyboard.press('Enter')
    await hasFocus(page, 'Password')
    await keyboard.type('Something-else-1')
    await keyboard.press('Enter')
    await elsewhere.reads('This isn’t the password that was chosen')
    await hasFocus(page, 'Password')
    await edith.page.goto(link)
    await edith.isAt('Confirm your account')
    await tabTo(edith.page, 'Confirm')
    await edith.page.keyboard.press('Enter')
    await isAtTheApp(edith)
  })

  // What a page looks like does not depend on the database.
  if (database !== 'embedded') return

  describe('axe finds nothing', () => {
    const elsewhere = async (link: string): Promise<Person> => {
      const person = await join('somebody-else')
      await person.page.goto(link)
      return person
    }
    const pages: Record<string, (name: string) => Promise<Person>> = {
      'the page that waits': async (name) => (await signedUp(name)).person,
      'the same, too early': async (name) => {
        const { person } = await signedUp(name)
        await person.presses('Continue')
        await person.reads('Please open the link in the message first.')
        return person
      },
      'the link in the same browser': async (name) => {
        const { person, link } = await signedUp(name)
        await person.page.goto(link)
        await person.isAt('Confirm your account')
        return person
      },
      'the link in another browser': async (name) => elsewhere((await signedUp(name)).link),
      'a wrong password': async (name) => {
        const person = await elsewhere((await signedUp(name)).link)
        await person.types('Password', 'Something-else-1')
        await person.presses('Confirm')
        await person.reads('This isn’t the password that was chosen')
        return person
      },
      'a new password': async (name) => elsewhere(`${(await signedUp(name)).link}&choose=password`),
      'a new password that is refused': async (name) => {
        const person = await elsewhere(`${(await signedUp(name)).link}&choose=password`)
        await person.presses('Confirm')
        await person.reads('Almost there: please look at the marked fields.')
        return person
      },
      'a link that was used': async (name) => {
        const { person, link } = await signedUp(name)
        await person.page.goto(link)
        await person.presses('Confirm')
        await isAtTheApp(person)
        await person.page.goto(link)
        await person.isAt('Your account is confirmed')
        return person
      },
      'a link that is too old': async (name) => {
        const { person, link } = await signedUp(name)
        clock.pass(day + 60)
        await person.page.goto(link)
        await person.isAt('This link no longer works')
        return person
      },
      'a link cut short': async (name) => {
        const { person, link } = await signedUp(name)
        await person.page.goto(link.slice(0, -5))
        await person.isAt('This link isn’t complete')
        return person
      },
    }

    test.each(Object.entries(pages))('%s', async (name, open) => {
      const person = await open(name.replaceAll(' ', '-').replaceAll(/[^a-z-]/g, ''))
      expect(await axeComplaints(person.page, 'light')).toEqual([])
      expect(await axeComplaints(person.page, 'dark')).toEqual([])
    })
  })
})
