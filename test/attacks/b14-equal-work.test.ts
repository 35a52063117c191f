import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import { outboxPurpose } from '../../src/domain/messages/enqueue-message.ts'
import type { OutgoingMessage } from '../../src/domain/messages/message.ts'
import { disableUser } from '../../src/domain/users/administer-user.ts'
import { haveAccount } from '../support/accounts.ts'
import { movableClock } from '../support/movable-clock.ts'
import { startServer } from '../support/server.ts'
import type { TestServer } from '../support/server.ts'
import { settledMail } from '../support/settled-mail.ts'
import type { VisitedPage } from '../support/user-agent.ts'
import { callback, goodPassword, userPoolId, visitorOf } from '../support/visitor.ts'
import { watchWork } from './support/request-work.ts'
import type { Work } from './support/request-work.ts'

/*
 * Threat row B14: the time of an answer tells whether a name has an account. Nothing is timed here (`npm run bench:enumeration`
 * does that): every request costs the same hashes, and the same statements at the database, whoever has the name.
 */

const clock = movableClock({ stopped: true })
let server: TestServer
let work: ReturnType<typeof watchWork>
beforeAll(async () => {
  const configuration = JSON.stringify({
    UserPools: [
      {
        Id: userPoolId('email'),
        PoolName: 'email',
        Default: true,
        UsernameAttributes: ['email'],
        AutoVerifiedAttributes: ['email'],
        Policies: { SignInPolicy: { AllowedFirstAuthFactors: ['PASSWORD', 'EMAIL_OTP'] } },
        Clients: [{ ClientId: 'email', CallbackURLs: [callback], ExplicitAuthFlows: ['ALLOW_USER_AUTH'] }],
      },
    ],
  })
  server = await startServer({ database: 'postgres', configuration, clock })
  work = watchWork(server)
})
afterAll(async () => {
  work.stop()
  await server.stop()
})

const own = 'The-attackers-1852'
const kinds = ['known', 'disabled', 'temporary', 'passwordless', 'locked'] as const
type Kind = (typeof kinds)[number] | 'fresh'

async function haveAccountOf(kind: Kind, username: string): Promise<void> {
  if (kind === 'fresh') return
  const user = await haveAccount(server, { username, password: goodPassword, temporary: kind === 'temporary' })
  const { domain } = server.services
  const change = { passwordHash: null }
  if (kind === 'disabled') await disableUser(domain, user)
  if (kind === 'passwordless') await domain.store.users.update(userPoolId('email'), user.sub, change, clock.now())
}

/** A request of a walk, measured by itself. */
type Measure = (what: string, request: () => Promise<VisitedPage>) => Promise<VisitedPage>

let walks = 0
/** Walks with a name that nobody has, and with names of accounts of every kind. @returns what the first one cost */
async function compare(steps: (name: string, measure: Measure) => Promise<void>): Promise<ReadonlyMap<string, Work>> {
  walks += 1
  const walkAs = async (kind: Kind): Promise<ReadonlyMap<string, Work>> => {
    const name = `${kind}-${walks}@example.com`
    await haveAccountOf(kind, name)
    if (kind === 'locked') await lock(name)
    const costs = new Map<string, Work>()
    await steps(name, async (what, request) => {
      let page: VisitedPage | undefined
      costs.set(what, await work.during(async () => (page = await request())))
      return page as unknown as VisitedPage
    })
    return costs
  }
  const fresh = await walkAs('fresh')
  const lockedBefore = await walkAs('locked')
  for (const kind of kinds) {
    if (kind !== 'locked') expect(Object.fromEntries(await walkAs(kind)), kind).toEqual(Object.fromEntries(fresh))
  }
  // Its lock was of a while ago: the next guess is looked at, and costs as much.
  expect(Object.fromEntries(lockedBefore)).toEqual(Object.fromEntries(fresh))
  return fresh
}

/** Wrong passwords until it is locked, long enough ago that a guess is admitted again. */
async function lock(username: string): Promise<void> {
  const { login } = await visitorOf(server)
  let page = login
  for (let index = 0; index < 6; index += 1) page = await page.submit({ username, password: 'Wrong-guess-1' })
  expect(page.status).toBe(429)
  clock.pass(2000)
}

const signUpPage = async (): Promise<VisitedPage> => (await visitorOf(server)).login.follow('Create an account')
const hashesOf = (costs: ReadonlyMap<string, Work>): Record<string, number> =>
  Object.fromEntries([...costs].map(([what, { hashes }]) => [what, hashes]))

test('signing in', async () => {
  const costs = await compare(async (username, measure) => {
    const { login } = await visitorOf(server)
    for (let guess = 1; guess <= 6; guess += 1) {
      await measure(`guess ${guess}`, () => login.submit({ username, password: 'Wrong-guess-1' }))
    }
  })
  expect(hashesOf(costs)).toEqual({
    'guess 1': 1,
    'guess 2': 1,
    'guess 3': 1,
    'guess 4': 1,
    'guess 5': 1,
    'guess 6': 0,
  })
})

test('signing up, again, and from another browser', async () => {
  const costs = await compare(async (username, measure) => {
    const [one, two] = [await signUpPage(), await signUpPage()]
    const first = await measure('sign-up', () => one.submit({ username, password: own }))
    expect(first.heading).toBe('Check your messages')
    await measure('the same form', () => one.submit({ username, password: own }))
    await measure('another browser', () => two.submit({ username, password: own }))
    await measure('overtaken', () => first.submit({ code: '000000' }))
  })
  expect(hashesOf(costs)).toEqual({ 'sign-up': 1, 'the same form': 1, 'another browser': 1, overtaken: 0 })
})

test('what follows a sign-up: wrong codes, other codes, signing in with its password', async () => {
  await compare(async (username, measure) => {
    const page = await (await signUpPage()).submit({ username, password: own })
    await measure('wrong code', () => page.submit({ code: '000000' }))
    await measure('too soon', () => page.submit({}, 'Send a new code'))
    clock.pass(31)
    await measure('another code', () => page.submit({}, 'Send a new code'))
    const [one, two] = [await visitorOf(server), await visitorOf(server)]
    await measure('signing in', () => one.login.submit({ username, password: own }))
    clock.pass(31)
    await measure('signing in later', () => two.login.submit({ username, password: own }))
    await measure('wrong password', () => two.login.submit({ username, password: 'Wrong-guess-1' }))
  })
})

test('a forgotten password', async () => {
  await compare(async (username, measure) => {
    const { login } = await visitorOf(server)
    const forgot = await login.follow('Forgot your password?')
    const page = await measure('asking', () => forgot.submit({ username }))
    expect(page.heading).toBe('Choose a new password')
    const again = await (await visitorOf(server)).login.follow('Forgot your password?')
    await measure('asking elsewhere', () => again.submit({ username }))
    await measure('wrong code', () => page.submit({ code: '000000', password: own }))
    await measure('too soon', () => page.submit({}, 'Send a new code'))
    clock.pass(31)
    await measure('another code', () => page.submit({}, 'Send a new code'))
  })
})

test('a code in place of a password', async () => {
  await compare(async (username, measure) => {
    const { login } = await visitorOf(server)
    const page = await measure('asking', () => login.submit({ username }, 'Email me a code'))
    expect(page.heading).toBe('Check your messages')
    const again = await visitorOf(server)
    await measure('asking elsewhere', () => again.login.submit({ username }, 'Email me a code'))
    await measure('wrong code', () => page.submit({ code: '000000' }))
    await measure('too soon', () => page.submit({}, 'Send a new code'))
    clock.pass(31)
    await measure('another code', () => page.submit({}, 'Send a new code'))
  })
})

test.each(['Forgot your password?', 'Email me a code'])(
  '%s: what nobody gets is worked on as a message, and reaches nobody',
  async (button) => {
    const names = ['known', 'fresh'].map((kind) => `${kind}-message-${button.length}@example.com`) as [string, string]
    await haveAccountOf('known', names[0])
    const rows = () =>
      server.services.database.kysely.selectFrom('outbox').select(['id', 'attempts', 'sent_at']).execute()
    const before = new Set((await rows()).map(({ id }) => id))
    const seal = vi.spyOn(server.services.domain.sealedBox, 'seal')
    onTestFinished(() => seal.mockRestore())
    for (const username of names) {
      const { login } = await visitorOf(server)
      const isLink = button.startsWith('Forgot')
      if (isLink) await (await login.follow(button)).submit({ username })
      else await login.submit({ username }, button)
    }
    const mail = await settledMail(server)
    expect(mail.filter(({ to }) => names.includes(to)).map(({ to }) => to)).toEqual([names[0]])
    const sealed = seal.mock.calls.filter(([, purpose]) => purpose === outboxPurpose)
    const [real, nobodys] = sealed.map(([text]) => JSON.parse(text) as OutgoingMessage)
    expect(Object.keys({ ...nobodys, trigger: {} }).toSorted()).toEqual(
      Object.keys({ ...real, forNobody: true }).toSorted(),
    )
    expect([real?.forNobody, nobodys?.kind, nobodys?.link?.length]).toEqual([undefined, real?.kind, expect.any(Number)])
    const made = (await rows()).filter(({ id }) => !before.has(id))
    expect(made.map(({ attempts, sent_at: sentAt }) => [attempts, sentAt !== null])).toEqual([
      [1, true],
      [1, true],
    ])
  },
)
