import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { haveAccount } from '../../support/accounts.ts'
import { launchChromium } from '../../support/chromium.ts'
import type { TestBrowser } from '../../support/chromium.ts'
import { peopleAt } from '../../support/person.ts'
import type { People, Person } from '../../support/person.ts'
import { freePort } from '../../support/server-process.ts'
import { startServer } from '../../support/server.ts'
import type { TestServer } from '../../support/server.ts'
import { addAuthenticator } from '../../support/virtual-authenticator.ts'

/* A user pool on two domains: a passkey is of one of them, or of the domain above both. */

const password = 'Analytical-1843'
let chromium: TestBrowser
let server: TestServer
let people: People
let port: number
beforeAll(async () => {
  ;[chromium, port] = await Promise.all([launchChromium(), freePort()])
  const userPool = (name: string, hosts: readonly string[], webAuthn: object) => ({
    Id: `eu-west-1_${name}`,
    PoolName: name,
    Domains: hosts.map((host) => `http://${host}:${port}`),
    UsernameAttributes: ['email'],
    AutoVerifiedAttributes: ['email'],
    Policies: { SignInPolicy: { AllowedFirstAuthFactors: ['PASSWORD', 'WEB_AUTHN'] } },
    WebAuthnConfiguration: { FactorConfiguration: 'MULTI_FACTOR_WITH_USER_VERIFICATION', ...webAuthn },
    Clients: [
      {
        ClientId: name,
        CallbackURLs: [`http://localhost:${port}/callback`],
        ExplicitAuthFlows: ['ALLOW_USER_AUTH'],
      },
    ],
  })
  const configuration = JSON.stringify({
    UserPools: [
      userPool('apart', ['north.localhost', 'south.localhost'], {}),
      userPool('together', ['one.shop.localhost', 'two.shop.localhost'], { RelyingPartyId: 'shop.localhost' }),
      userPool('wrong', ['three.localhost'], { RelyingPartyId: 'shop.localhost' }),
    ],
  })
  server = await startServer({ configuration, environment: { port } })
  people = peopleAt(chromium, server)
})
afterEach(async () => {
  expect(await people.leave()).toEqual([])
})
afterAll(async () => {
  await chromium.close()
  await server.stop()
})

const at = (person: Person, host: string, path = '/account/passkeys') =>
  person.page.goto(`http://${host}:${port}${path}`)
const personIn = async (pool: string): Promise<Person> => {
  const email = `ada@${pool}.example`
  await haveAccount(server, { username: email, password, userPoolId: `eu-west-1_${pool}` })
  return people.join({ email, password })
}
const makesPasskey = async (person: Person, host: string): Promise<void> => {
  await at(person, host)
  await person.signsIn()
  await person.isAt('Sign in faster next time')
  await person.presses('Create a passkey')
  await person.isAt('Passkeys')
}

describe('on domains of their own', () => {
  test('a passkey of the one is none at the other, where the password still signs in', async () => {
    const person = await personIn('apart')
    await addAuthenticator(person.page)
    await makesPasskey(person, 'north.localhost')
    await at(person, 'south.localhost')
    await person.isAt('Sign in')
    await person.presses('Sign in with a passkey')
    await person.reads('No passkey was used.')
    await person.signsIn()
    await person.isAt('Passkeys')
    await person.reads('north.localhost')
    await person.presses('Create a passkey')
    await person.reads('Your passkey is ready.')
    expect(await person.page.getByRole('heading', { level: 2 }).count()).toBe(2)
  })
})

describe('below a domain that both share', () => {
  test('one passkey is good for both', async () => {
    const person = await personIn('together')
    await addAuthenticator(person.page)
    await makesPasskey(person, 'one.shop.localhost')
    await at(person, 'two.shop.localhost')
    await person.isAt('Passkeys')
    expect(await person.page.getByText('only').count()).toBe(0)
  })
})

test('at a domain that the setting leaves out there are none, and all else works', async () => {
  const person = await personIn('wrong')
  await addAuthenticator(person.page)
  await at(person, 'three.localhost', '/account')
  await person.isAt('Sign in')
  expect(await person.page.getByRole('button', { name: 'Sign in with a passkey' }).count()).toBe(0)
  await person.signsIn()
  await person.isAt('Your account')
  expect(await person.page.getByRole('link', { name: /^Passkeys/ }).count()).toBe(0)
})
