import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { haveAccount } from '../../support/accounts.ts'
import { movableClock } from '../../support/movable-clock.ts'
import { wrong } from '../../support/person.ts'
import { databaseKinds } from '../../support/server.ts'
import type { TestServer } from '../../support/server.ts'
import type { VisitedPage } from '../../support/user-agent.ts'
import { goodPassword, startServerWithPools, visitorOf, whereItIs } from '../../support/visitor.ts'
import type { Visitor } from '../../support/visitor.ts'

describe.each(databaseKinds)('codes, on %s', (database) => {
  const clock = movableClock({ stopped: true })
  let server: TestServer
  beforeAll(async () => {
    server = await startServerWithPools({ database, clock })
  })
  afterAll(() => server.stop())

  async function signUp(email: string, password = goodPassword): Promise<{ confirm: VisitedPage; visitor: Visitor }> {
    const visitor = await visitorOf(server)
    const form = await visitor.login.follow('Create an account')
    return { visitor, confirm: await form.submit({ username: email, password }) }
  }

  test('after five wrong codes the right one is refused too, for a moment; a new one works, the old one does not', async () => {
    const { confirm } = await signUp('ada@example.com')
    const seen = await server.mail()
    const code = await server.codeFor('ada@example.com')
    for (let tries = 0; tries < 5; tries += 1) {
      expect((await confirm.submit({ code: wrong(code) })).text).toContain('Invalid verification code provided')
    }
    const locked = await confirm.submit({ code })
    expect(locked.text).toContain('Attempt limit exceeded, please try after some time. You can try again in 1 second.')
    expect([locked.status, locked.headers.get('retry-after')]).toEqual([429, '1'])
    clock.pass(31)
    const known = [...seen, ...(await server.mail())]
    const resent = await confirm.submit({}, 'Send a new code')
    expect(resent.text).toContain('We sent a new code to a***@e***. Earlier codes no longer work.')
    const next = await server.codeFor('ada@example.com', known)
    if (next !== code) expect((await resent.submit({ code })).text).toContain('Invalid verification code provided')
    clock.pass(2)
    expect(whereItIs(await resent.submit({ code: next }))).toBe('the app')
  })

  test('the server keeps the cool-down, whatever the page says', async () => {
    const { confirm, visitor } = await signUp('grace@example.com')
    expect(confirm.text).toContain('You can ask for a new code in 30 seconds.')
    await server.codeFor('grace@example.com')
    const known = await server.mail()
    const tooSoon = await confirm.submit({}, 'Send a new code')
    expect(tooSoon.heading).toBe('Check your messages')
    expect(tooSoon.text).not.toContain('We sent a new code')
    clock.pass(15)
    expect((await visitor.visit(confirm.url.href)).text).toContain('You can ask for a new code in 15 seconds.')
    expect(await server.mail()).toEqual(known)
    clock.pass(16)
    const page = await visitor.visit(confirm.url.href)
    expect(page.text).not.toContain('You can ask for a new code in')
    const resent = await page.submit({}, 'Send a new code')
    expect(resent.text).toContain('We sent a new code to g***@e***.')
    expect(whereItIs(await resent.submit({ code: await server.codeFor('grace@example.com', known) }))).toBe('the app')
  })

  test('a code is used once, and a day later not at all', async () => {
    const { confirm } = await signUp('edith@example.com')
    const code = await server.codeFor('edith@example.com')
    const blanks = ` ${code.slice(0, 3)} ${code.slice(3)} `
    expect(whereItIs(await confirm.submit({ code: blanks }))).toBe('the app')
    expect((await confirm.submit({ code })).heading).toBe('This sign-in is already done')
  })

  test('a reset code is of no use at sign-up, nor the other way round', async () => {
    const { confirm } = await signUp('hedy@example.com')
    const signUpCode = await server.codeFor('hedy@example.com')
    const known = await server.mail()
    const { login } = await visitorOf(server)
    const reset = await (await login.follow('Forgot your password?')).submit({ username: 'hedy@example.com' })
    const resetCode = await server.codeFor('hedy@example.com', known)
    if (resetCode === signUpCode) return
    expect((await confirm.submit({ code: resetCode })).text).toContain('Invalid verification code provided')
    const refused = await reset.submit({ code: signUpCode, password: 'Trajectory-1962' })
    expect(refused.text).toContain('Invalid verification code provided')
    // Proof of the address confirms the account, and only the password set with it counts from now on.
    expect(whereItIs(await reset.submit({ code: resetCode, password: 'Trajectory-1962' }))).toBe('the app')
    const late = await confirm.submit({ code: signUpCode })
    expect(late.heading).toBe('Sign in')
    expect(late.text).toContain('Your account is confirmed already. Sign in with your password.')
    expect(whereItIs(await late.submit({ password: goodPassword }))).toBe('Sign in')
    expect(whereItIs(await late.submit({ password: 'Trajectory-1962' }))).toBe('the app')
  })

  test('whoever signs up later with the same address takes it over, and the first page says so', async () => {
    const { confirm: first } = await signUp('joan@example.com', 'An-attacker-s-1')
    const firstCode = await server.codeFor('joan@example.com')
    const known = await server.mail()
    const { confirm: second } = await signUp('joan@example.com', goodPassword)
    const secondCode = await server.codeFor('joan@example.com', known)
    for (const code of [firstCode, secondCode]) {
      const replaced = await first.submit({ code })
      if (code === firstCode) {
        expect(replaced.heading).toBe('Create your account')
        expect(replaced.text).toContain('Somebody else started to sign up with this address.')
      }
      expect(whereItIs(replaced)).not.toBe('the app')
    }
    expect(whereItIs(await second.submit({ code: secondCode }))).toBe('the app')
    const { login } = await visitorOf(server)
    expect(whereItIs(await login.submit({ username: 'joan@example.com', password: 'An-attacker-s-1' }))).toBe('Sign in')
    expect(whereItIs(await login.submit({ username: 'joan@example.com', password: goodPassword }))).toBe('the app')
  })

  test('who never entered the code is asked for it at the first sign-in', async () => {
    await signUp('katherine@example.com')
    const first = await server.codeFor('katherine@example.com')
    const known = await server.mail()
    const { login } = await visitorOf(server)
    const soon = await login.submit({ username: 'katherine@example.com', password: goodPassword })
    expect(soon.heading).toBe('Check your messages')
    expect(soon.text).toContain('Your account isn’t confirmed yet. Enter the code that we sent you.')
    expect(await server.mail()).toEqual(known)
    clock.pass(3600)
    const visitor = await visitorOf(server)
    const confirm = await visitor.login.submit({ username: 'katherine@example.com', password: goodPassword })
    expect(confirm.heading).toBe('Check your messages')
    const code = await server.codeFor('katherine@example.com', known)
    if (code !== first) expect((await confirm.submit({ code: first })).heading).toBe('Check your messages')
    expect(whereItIs(await confirm.submit({ code }))).toBe('the app')
  })

  test('who forgot a password does not get around the cool-down by asking anew', async () => {
    await haveAccount(server, { username: 'dorothy@example.com', password: goodPassword })
    const ask = async (): Promise<VisitedPage> => {
      const { login } = await visitorOf(server)
      return (await login.follow('Forgot your password?')).submit({ username: 'dorothy@example.com' })
    }
    await ask()
    const code = await server.codeFor('dorothy@example.com')
    const known = await server.mail()
    const again = await ask()
    expect(again.heading).toBe('Choose a new password')
    expect(await server.mail()).toEqual(known)
    expect(whereItIs(await again.submit({ code, password: 'Trajectory-1962' }))).toBe('the app')
  })
})
