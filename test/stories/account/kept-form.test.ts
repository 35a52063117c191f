import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { haveAccount } from '../../support/accounts.ts'
import { factorPoolId, factorPools } from '../../support/factor-pools.ts'
import { movableClock } from '../../support/movable-clock.ts'
import { databaseKinds, startServer } from '../../support/server.ts'
import type { TestServer } from '../../support/server.ts'
import { createUserAgent } from '../../support/user-agent.ts'
import type { UserAgent, VisitedPage } from '../../support/user-agent.ts'
import { goodPassword } from '../../support/visitor.ts'

/* Somebody types while their sign-in ends: what they have typed is there again, for them alone. */

const notice = 'Nothing is saved yet'
const poolId = factorPoolId('optional')

describe.each(databaseKinds)('a form that comes too late, on %s', (database) => {
  let server: TestServer
  const clock = movableClock()
  beforeAll(async () => {
    server = await startServer({ database, configuration: factorPools(), clock })
  })
  afterAll(() => server.stop())

  let people = 0
  const newPerson = async (): Promise<string> => {
    const username = `late-${(people += 1)}@example.com`
    await haveAccount(server, { username, password: goodPassword, userPoolId: poolId })
    return username
  }
  const newBrowser = (): UserAgent => createUserAgent(server.publicUrl)
  const accountPage = (browser: UserAgent, path: string) =>
    browser.visit(`${server.publicUrl}/${poolId}/account${path}`)
  const signIn = (page: VisitedPage, username: string): Promise<VisitedPage> => {
    expect(page.heading).toBe('Sign in')
    return page.submit({ username, password: goodPassword })
  }
  const openAs = async (browser: UserAgent, username: string, path: string): Promise<VisitedPage> =>
    signIn(await accountPage(browser, path), username)
  /** In another tab. */
  const signOut = async (browser: UserAgent): Promise<void> => {
    expect((await (await accountPage(browser, '')).follow('Sign out')).heading).toBe('You’re signed out')
  }
  const storedName = async (username: string): Promise<string | undefined> =>
    (await server.services.domain.store.users.findByIdentifier(poolId, username))?.attributes['given_name']

  test('signed out in another tab: the details stand there after the sign-in, and are saved then', async () => {
    const [browser, username] = [newBrowser(), await newPerson()]
    const profile = await openAs(browser, username, '/profile')
    await signOut(browser)
    const typed = { given_name: 'Ada “<b>', nickname: '🦊 Countess' }
    const again = await signIn(await profile.submit(typed), username)
    expect([again.heading, again.text.includes(notice)]).toEqual(['Your details', true])
    expect([again.field('given_name'), again.field('nickname')]).toEqual(Object.values(typed))
    expect(await storedName(username)).toBeUndefined()
    expect((await again.submit({})).text).toContain('Saved.')
    expect(await storedName(username)).toBe(typed.given_name)
    // Once.
    await signOut(browser)
    expect((await openAs(browser, username, '/profile')).text).not.toContain(notice)
  })

  test('too old a sign-in: the new address stands there', async () => {
    const [browser, username] = [newBrowser(), await newPerson()]
    const page = await openAs(browser, username, '/email')
    clock.pass(16 * 60)
    const again = await signIn(await page.submit({ email: 'elsewhere@example.com' }), username)
    expect([again.heading, again.field('email')]).toEqual(['Email address', 'elsewhere@example.com'])
    expect(again.text).toContain(notice)
    const asked = await again.submit({})
    expect([asked.heading, asked.text.includes('elsewhere@example.com')]).toEqual(['Enter the code', true])
  })

  test('signed out and in again in another tab: it is not taken as it is, and stands there', async () => {
    const [browser, username] = [newBrowser(), await newPerson()]
    const profile = await openAs(browser, username, '/profile')
    await signOut(browser)
    await openAs(browser, username, '')
    const again = await profile.submit({ given_name: 'Ada' })
    expect([again.heading, again.field('given_name')]).toEqual(['Your details', 'Ada'])
    expect(await storedName(username)).toBeUndefined()
    expect((await again.submit({})).text).toContain('Saved.')
  })

  test('whoever signs in instead sees nothing of it, nor does its owner later on', async () => {
    const [browser, username, other] = [newBrowser(), await newPerson(), await newPerson()]
    const profile = await openAs(browser, username, '/profile')
    await signOut(browser)
    const page = await signIn(await profile.submit({ given_name: 'Secret name' }), other)
    expect([page.heading, page.field('given_name')]).toEqual(['Your details', ''])
    expect(page.html).not.toContain('Secret name')
    await signOut(browser)
    expect((await openAs(browser, username, '/profile')).html).not.toContain('Secret name')
  })

  test('sent while somebody else is signed in there by now, it is refused and kept for nobody', async () => {
    const [browser, username, other] = [newBrowser(), await newPerson(), await newPerson()]
    const profile = await openAs(browser, username, '/profile')
    await signOut(browser)
    await openAs(browser, other, '')
    const refused = await profile.submit({ given_name: 'Secret name' })
    expect([refused.status, refused.html.includes('Secret name')]).toEqual([403, false])
    await signOut(browser)
    expect((await openAs(browser, username, '/profile')).html).not.toContain('Secret name')
  })

  test('it is forgotten after a quarter of an hour', async () => {
    const [browser, username] = [newBrowser(), await newPerson()]
    const profile = await openAs(browser, username, '/profile')
    await signOut(browser)
    const login = await profile.submit({ given_name: 'Ada' })
    clock.pass(15 * 60)
    expect((await signIn(login, username)).field('given_name')).toBe('')
  })

  test('what does not fit in a cookie is not kept, and the sign-in goes on', async () => {
    const [browser, username] = [newBrowser(), await newPerson()]
    const profile = await openAs(browser, username, '/profile')
    await signOut(browser)
    const again = await signIn(await profile.submit({ given_name: 'A'.repeat(10_000) }), username)
    expect([again.heading, again.field('given_name')]).toEqual(['Your details', ''])
  })

  test.each<[string, (form: { own: VisitedPage; strangers: VisitedPage; email: VisitedPage }) => Promise<VisitedPage>]>(
    [
      ['that no page of ours made', ({ own }) => own.submit({ given_name: 'Planted', _keep: 'v1.0.x' })],
      [
        'that was made for another browser',
        ({ own, strangers }) => own.submit({ given_name: 'Planted', _keep: strangers.field('_keep') ?? '' }),
      ],
      [
        'that was made for another page',
        ({ own, email }) => own.submit({ given_name: 'Planted', _keep: email.field('_keep') ?? '' }),
      ],
    ],
  )('a form %s is not kept: nobody finds another’s words there', async (_, send) => {
    const [browser, username] = [newBrowser(), await newPerson()]
    const own = await openAs(browser, username, '/profile')
    const email = await accountPage(browser, '/email')
    const strangers = await openAs(newBrowser(), username, '/profile')
    expect(strangers.field('_keep')).toMatch(/^v1\./)
    await signOut(browser)
    const page = await signIn(await send({ own, strangers, email }), username)
    expect([page.heading, page.field('given_name')]).toEqual(['Your details', ''])
  })
})
