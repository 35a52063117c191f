import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { haveAccount } from '../../support/accounts.ts'
import { launchChromium } from '../../support/chromium.ts'
import type { TestBrowser } from '../../support/chromium.ts'
import { peopleAt } from '../../support/person.ts'
import type { People, Person } from '../../support/person.ts'
import { databaseKinds, startServer } from '../../support/server.ts'
import type { TestServer } from '../../support/server.ts'
import { addAuthenticator } from '../../support/virtual-authenticator.ts'
import type { VirtualAuthenticator } from '../../support/virtual-authenticator.ts'

/* A passkey in place of a password: offered after a sign-in, then all that is needed. */

let chromium: TestBrowser
beforeAll(async () => {
  chromium = await launchChromium()
})
afterAll(() => chromium.close())

// On PostgreSQL alone: nothing here differs between the two, and it takes long.
describe.each(databaseKinds.slice(1))('in Chromium, on %s', (database) => {
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

  const password = 'Analytical-1843'
  let persons = 0
  const newPerson = async (): Promise<Person> => {
    const email = `person-${(persons += 1)}@example.com`
    await haveAccount(server, { username: email, password })
    return people.join({ email, password })
  }
  /** Signs in by password at a device that has an authenticator, and takes what is offered. */
  const havePasskey = async (): Promise<{ person: Person; device: VirtualAuthenticator }> => {
    const person = await newPerson()
    const device = await addAuthenticator(person.page)
    await person.opens('/demo/sign-in')
    await person.signsIn()
    await person.isAt('Sign in faster next time')
    await person.presses('Create a passkey')
    await person.isSignedIn()
    expect(await device.count()).toBe(1)
    return { person, device }
  }
  const signOut = async (person: Person): Promise<void> => {
    await person.opens('/demo')
    await person.presses('Sign out')
    await person.isSignedOut()
  }

  test('is offered once, and signs in by itself from then on', async () => {
    const { person } = await havePasskey()
    await signOut(person)
    // Conditional UI: the person chooses it from the list of the field, and presses nothing of ours.
    await person.opens('/demo/sign-in')
    await person.isSignedIn()
    const id = await person.payloadOf('ID token')
    expect(id['amr']).toEqual(['swk', 'mfa'])
    expect(id['email']).toBe(person.account.email)
  })

  test('the button does the same, and a person who thinks better of it still has the password', async () => {
    const { person, device } = await havePasskey()
    await signOut(person)
    await device.answers(false)
    await person.opens('/demo/sign-in')
    await person.isAt('Sign in')
    await person.presses('Sign in with a passkey')
    await person.reads('No passkey was used.')
    await device.answers(true)
    await person.presses('Sign in with a passkey')
    await person.isSignedIn()
  })

  test('"not now" is taken for an answer', async () => {
    const person = await newPerson()
    await addAuthenticator(person.page)
    await person.opens('/demo/sign-in')
    await person.signsIn()
    await person.isAt('Sign in faster next time')
    await person.presses('Not now')
    await person.isSignedIn()
    await signOut(person)
    await person.opens('/demo/sign-in')
    await person.signsIn()
    await person.isSignedIn()
  })

  test('nobody is offered what their device cannot do', async () => {
    const person = await newPerson()
    await addAuthenticator(person.page, { transport: 'usb' })
    await person.opens('/demo/sign-in')
    await person.signsIn()
    await person.isSignedIn()
  })

  test('several, each with its name and its last use, on the page of the account', async () => {
    const { person, device } = await havePasskey()
    await person.opens('/account')
    await person.follows('Passkeys Sign in without a password')
    await person.isAt('Passkeys')
    await person.reads('Not used yet')
    await device.remove()
    await addAuthenticator(person.page, { transport: 'usb' })
    await person.presses('Create a passkey')
    await person.reads('Your passkey is ready.')
    const names = () => person.page.getByRole('heading', { level: 2 }).allTextContents()
    expect(await names()).toHaveLength(2)
    await person.page.getByLabel('Name').last().fill('  The key on my ring ')
    await person.page.getByRole('button', { name: 'Save name' }).last().click()
    await person.reads('Saved.')
    expect((await names()).at(-1)).toBe('The key on my ring')
    await signOut(person)
    // What is plugged in stands in no list: it is asked for.
    await person.opens('/demo/sign-in')
    await person.presses('Sign in with a passkey')
    await person.isSignedIn()
    expect((await person.payloadOf('ID token'))['amr']).toEqual(['hwk', 'mfa'])
    await person.opens('/account/passkeys')
    await person.reads('Last used')
  })

  test('one that is removed signs nobody in, and the page says so', async () => {
    const { person, device } = await havePasskey()
    await person.opens('/account/passkeys')
    const elsewhere = await people.join(person.account)
    await device.copyTo(elsewhere.page)
    await person.presses('Remove')
    await person.reads('Removed.')
    await elsewhere.opens('/demo/sign-in')
    await elsewhere.reads('This passkey isn’t known here any more.')
    await elsewhere.signsIn()
    await elsewhere.isAt('Sign in faster next time')
    await elsewhere.presses('Not now')
    await elsewhere.isSignedIn()
  })
})
