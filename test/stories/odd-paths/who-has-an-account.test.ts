import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { haveAccount } from '../../support/accounts.ts'
import { movableClock } from '../../support/movable-clock.ts'
import { wrong } from '../../support/person.ts'
import { databaseKinds, withoutLinks } from '../../support/server.ts'
import type { TestServer } from '../../support/server.ts'
import type { VisitedPage } from '../../support/user-agent.ts'
import { goodPassword, startServerWithPools, visitorOf, whereItIs, withoutIds } from '../../support/visitor.ts'

describe.each(databaseKinds)('who has an account is told to nobody, on %s', (database) => {
  const clock = movableClock({ stopped: true })
  let server: TestServer
  beforeAll(async () => {
    server = await startServerWithPools({ database, clock })
    await haveAccount(server, { username: 'ada@example.com', password: goodPassword })
  })
  afterAll(() => server.stop())

  /** Everything that the browser is told, without what is random. */
  const told = ({ status, headers, html }: VisitedPage, typed: string) => ({
    status,
    headers: [...headers]
      .filter(([name]) => !['date', 'x-request-id', 'content-length'].includes(name))
      .map(([name, value]) => [name, value.replace(/nonce-[\w-]+/, 'nonce')]),
    html: withoutIds(html).replaceAll(typed, 'what was typed'),
  })

  const signUpWith = async (email: string): Promise<VisitedPage> => {
    const { login } = await visitorOf(server)
    const signUp = await login.follow('Create an account')
    return signUp.submit({ username: email, password: 'Somebody-else-1' })
  }

  const askForReset = async (email: string): Promise<VisitedPage> => {
    const { login } = await visitorOf(server)
    const forgot = await login.follow('Forgot your password?')
    return forgot.submit({ username: email })
  }

  test('a wrong password and an unknown user get the same answer', async () => {
    const { login } = await visitorOf(server)
    const known = await login.submit({ username: 'ada@example.com', password: 'Not-her-password-1' })
    const unknown = await login.submit({ username: 'eve@example.com', password: 'Not-her-password-1' })
    expect(known.text).toContain('Incorrect username or password.')
    expect(told(known, 'ada@example.com')).toEqual(told(unknown, 'eve@example.com'))
  })

  test('signing up with an address that has an account looks like any sign-up; its owner is written to', async () => {
    const before = await server.mail()
    const taken = await signUpWith('ada@example.com')
    const free = await signUpWith('amy@example.com')
    expect(taken.heading).toBe('Check your messages')
    expect(told(taken, 'ada@example.com')).toEqual(told(free, 'amy@example.com'))

    const code = await server.codeFor('amy@example.com')
    await expect.poll(async () => (await server.mail()).length).toBe(before.length + 2)
    const [letter] = (await server.mail()).filter(({ to }) => to === 'ada@example.com')
    expect(letter!.subject).toBe('You already have an account at Latchkey')
    expect(withoutLinks(letter!.text)).not.toMatch(/\b\d{6}\b/)

    // No code works, and tries run out as they do elsewhere.
    for (const [page, email] of [
      [taken, 'ada@example.com'],
      [free, 'amy@example.com'],
    ] as const) {
      for (let tries = 1; tries <= 5; tries += 1) {
        const answer = await page.submit({ code: wrong(code) })
        expect(answer.text, `try ${tries} for ${email}`).toContain('Invalid verification code provided')
      }
      const answer = await page.submit({ code: wrong(code) })
      expect(answer.text, email).toContain('Attempt limit exceeded, please try after some time.')
    }
    expect((await taken.submit({ code })).text).toContain('Attempt limit exceeded')
    const { login } = await visitorOf(server)
    // As for any sign-up that waits for its code.
    expect(whereItIs(await login.submit({ username: 'ada@example.com', password: 'Somebody-else-1' }))).toBe(
      'Check your messages',
    )
    expect(whereItIs(await login.submit({ username: 'ada@example.com', password: goodPassword }))).toBe('the app')
  })

  test('a second code looks the same too', async () => {
    const taken = await signUpWith('ada@example.com')
    const free = await signUpWith('ann@example.com')
    clock.pass(31)
    const answers = await Promise.all([taken, free].map((page) => page.submit({}, 'Send a new code')))
    expect(answers[0]!.text).toContain('We sent a new code to a***@e***.')
    expect(told(answers[0]!, '')).toEqual(told(answers[1]!, ''))
  })

  test('asking for a new password looks the same for an address without account, again and again', async () => {
    clock.pass(60)
    const known = await askForReset('ada@example.com')
    const unknown = await askForReset('abe@example.com')
    expect(known.heading).toBe('Choose a new password')
    expect(told(known, 'ada@example.com')).toEqual(told(unknown, 'abe@example.com'))
    // The cool-down is the account's, but the page does not show from when.
    clock.pass(10)
    const knownAgain = await askForReset('ada@example.com')
    const unknownAgain = await askForReset('abe@example.com')
    expect(told(knownAgain, 'ada@example.com')).toEqual(told(unknownAgain, 'abe@example.com'))

    const code = await server.codeFor('ada@example.com')
    for (let tries = 1; tries <= 7; tries += 1) {
      const typed = { code: wrong(code), password: 'Trajectory-1962' }
      const [first, second] = [await known.submit(typed), await unknown.submit(typed)]
      expect(told(first, 'ada@example.com'), `try ${tries}`).toEqual(told(second, 'abe@example.com'))
      const [third, fourth] = [await knownAgain.submit(typed), await unknownAgain.submit(typed)]
      expect(told(third, 'ada@example.com'), `try ${tries} elsewhere`).toEqual(told(fourth, 'abe@example.com'))
    }
  })
})
