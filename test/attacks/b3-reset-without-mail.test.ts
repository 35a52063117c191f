import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { haveAccount } from '../support/accounts.ts'
import { movableClock } from '../support/movable-clock.ts'
import { databaseKinds } from '../support/server.ts'
import type { TestServer } from '../support/server.ts'
import type { UserAgent, VisitedPage } from '../support/user-agent.ts'
import { goodPassword, whereItIs } from '../support/visitor.ts'
import { callerAt, poolId, signIn, startAttackedServer } from './support/attacked-pool.ts'

/*
 * B3, a new password without the mail: Keycloak CVE-2026-18963, seven plain requests. "Try another way" left a note behind
 * that belonged to no step; *forgot password*, opened once more, took it for the code and went straight to the form for the
 * new password. Here there is no state "the code was right": code and password come in one request, the code is bound to the
 * user whose flow it is, and is spent in the transaction that sets the password. So every order of every page is walked,
 * with the back button, two tabs, links that begin anew, and codes of other people, other purposes and other times; the
 * victim's password stays. Guards src/hosted/dispatcher.ts, src/hosted/reset-password/*, and
 * src/domain/recovery/confirm-forgot-password.ts. Single pages out of turn: test/stories/odd-paths/page-order.test.ts.
 */

const theirs = 'Somebody-else-1'
const clock = movableClock()

describe.each(databaseKinds)('on %s', (database) => {
  let server: TestServer
  beforeAll(async () => {
    server = await startAttackedServer({ database, clock })
    for (const name of ['victim', 'attacker']) {
      await haveAccount(server, { username: `${name}@example.com`, password: goodPassword })
    }
  })
  afterAll(() => server.stop())

  const hashOf = async (username: string): Promise<string | undefined> =>
    (await server.services.domain.store.users.findByIdentifier(poolId, username))?.passwordHash
  const opens = async (username: string, password: string): Promise<boolean> =>
    whereItIs(await signIn((await callerAt(server.publicUrl)).page, username, password)) === 'the app'

  /** What an attacker does, knowing every form: a request with the flow's own token. */
  interface Attack {
    agent: UserAgent
    flow: string
    csrf: string
    begin: string
  }
  async function beginAttack(agent?: UserAgent): Promise<Attack> {
    const caller = await callerAt(server.publicUrl, {}, agent)
    const { page, request } = caller
    return { agent: caller.agent, flow: page.field('flow') ?? '', csrf: page.field('_csrf') ?? '', begin: request.url }
  }
  const get = ({ agent, flow }: Attack, path: string, more = ''): Promise<VisitedPage> =>
    agent.visit(`${path}?client_id=email&flow=${flow}${more}`)
  const post = ({ agent, flow, csrf }: Attack, path: string, fields: Record<string, string>): Promise<VisitedPage> =>
    agent.visit(`${path}?client_id=email&flow=${flow}`, {
      method: 'POST',
      body: new URLSearchParams({ flow, _csrf: csrf, ...fields }),
    })

  const victim = 'victim@example.com'
  const moves: Record<string, (attack: Attack) => Promise<VisitedPage>> = {
    'asks for the mail': (attack) => post(attack, '/forgotPassword', { username: victim }),
    'opens forgot password': (attack) => get(attack, '/forgotPassword'),
    'opens the form': (attack) => get(attack, '/resetPassword'),
    'opens it by its other name': (attack) => get(attack, '/confirmforgotPassword', '&code=123456'),
    'sends the form without a code': (attack) => post(attack, '/resetPassword', { password: theirs }),
    'sends it with an empty code': (attack) => post(attack, '/confirmforgotPassword', { code: '', password: theirs }),
    'sends a new password for the temporary one': (attack) => post(attack, '/changePassword', { password: theirs }),
    'asks for another code': (attack) => post(attack, '/resendcode', {}),
    'tries another way: sign-in': (attack) => get(attack, '/login'),
    'tries another way: sign-up': (attack) => get(attack, '/signup'),
    'signs in with an empty password': (attack) => post(attack, '/login', { username: victim, password: '' }),
    'confirms nothing': (attack) => post(attack, '/confirm', { code: '' }),
    'goes on with the engine': ({ agent }) =>
      agent.visit(`/oauth2/authorize/${[...agent.cookies].find(([name]) => name.includes('interaction'))?.[1]}`),
    'begins anew in the same browser': ({ agent, begin }) => agent.visit(begin),
    'begins anew where a reset begins': ({ agent, begin }) =>
      agent.visit(begin.replace('/oauth2/authorize', '/forgotPassword')),
    'asks in silence': ({ agent, begin }) => agent.visit(`${begin}&prompt=none`),
  }
  const names = Object.keys(moves)

  /** Those that change what a flow remembers. */
  const turns = [
    ...['asks for the mail', 'opens forgot password', 'tries another way: sign-in', 'asks for another code'],
    ...['sends the form without a code', 'begins anew where a reset begins'],
  ]

  // The order is the pages' matter and not the database's.
  if (database === 'embedded') {
    test.each(names)('"%s", and any other: the password stays, nobody is let in', async (first) => {
      const before = await hashOf(victim)
      for (const second of turns) {
        const attack = await beginAttack()
        const walked = [await moves[first]!(attack), await moves[second]!(attack)]
        // The one that the attack ended with, from wherever this led.
        walked.push(
          await moves['sends the form without a code']!(attack),
          await moves['opens forgot password']!(attack),
        )
        walked.push(await moves['sends it with an empty code']!(attack))
        for (const page of walked) {
          expect(page.status, `${first}, ${second}`).toBeLessThan(500)
          expect(['the app', 'the app: null'], `${first}, ${second}`).not.toContain(whereItIs(page))
        }
        expect(await hashOf(victim), `${first}, ${second}`).toBe(before)
      }
    })
  }

  test('the seven requests of the attack itself', async () => {
    const attack = await beginAttack()
    const order = [
      ...['opens forgot password', 'asks for the mail', 'tries another way: sign-in', 'opens forgot password'],
      ...['asks for the mail', 'opens the form', 'sends the form without a code'],
    ]
    for (const move of order) await moves[move]!(attack)
    expect(whereItIs(await moves['opens the form']!(attack))).toBe('Choose a new password')
    expect(whereItIs(await moves['sends it with an empty code']!(attack))).toBe('Choose a new password')
    expect(await opens(victim, theirs)).toBe(false)
    expect(await opens(victim, goodPassword)).toBe(true)
  })

  /** A code that the attacker really got, for their own account. */
  async function ownCode(attack: Attack): Promise<string> {
    clock.pass(60)
    const seen = await server.mail()
    await post(attack, '/forgotPassword', { username: 'attacker@example.com' })
    return server.codeFor('attacker@example.com', seen)
  }

  describe('a code of the attacker’s own', () => {
    const unchanged = async (before: string | undefined): Promise<void> => {
      expect(await hashOf(victim)).toBe(before)
      expect(await opens(victim, goodPassword)).toBe(true)
    }

    test('does not serve for the victim, in a flow that is turned to them afterwards', async () => {
      const before = await hashOf(victim)
      const attack = await beginAttack()
      const code = await ownCode(attack)
      await post(attack, '/forgotPassword', { username: victim })
      expect(whereItIs(await post(attack, '/resetPassword', { code, password: theirs }))).toBe('Choose a new password')
      await unchanged(before)
    })

    test('does not serve for the victim in another tab, nor their names in its own form', async () => {
      const before = await hashOf(victim)
      const attack = await beginAttack()
      const tab = await beginAttack(attack.agent)
      const code = await ownCode(attack)
      await post(tab, '/forgotPassword', { username: victim })
      const user = await server.services.domain.store.users.findByIdentifier(poolId, victim)
      const named = { username: victim, userSub: user?.sub ?? '', sub: user?.sub ?? '', user: victim, email: victim }
      expect(whereItIs(await post(tab, '/resetPassword', { code, password: theirs, ...named }))).toBe(
        'Choose a new password',
      )
      await unchanged(before)
      // In its own it sets the attacker’s own password, whoever is named.
      const own = await hashOf('attacker@example.com')
      await post(attack, '/resetPassword', { code, password: goodPassword, ...named })
      expect(await hashOf('attacker@example.com')).not.toBe(own)
      await unchanged(before)
    })

    test('that has been spent leaves nothing behind', async () => {
      const before = await hashOf(victim)
      const attack = await beginAttack()
      const code = await ownCode(attack)
      const own = await post(attack, '/resetPassword', { code, password: goodPassword })
      expect(whereItIs(own)).toBe('the app')
      // The flow is over, and a new one in the same browser knows nothing of it.
      const again = await beginAttack(attack.agent)
      for (const one of [attack, again]) {
        await post(one, '/forgotPassword', { username: victim })
        for (const fields of [{ password: theirs }, { code, password: theirs }]) {
          expect(whereItIs(await post(one, '/resetPassword', fields))).not.toMatch(/^the app/)
        }
      }
      await unchanged(before)
      expect(await opens('attacker@example.com', goodPassword)).toBe(true)
    })

    test('with a password that is refused is not half a reset', async () => {
      const attack = await beginAttack()
      const before = await hashOf('attacker@example.com')
      const code = await ownCode(attack)
      const refused = await post(attack, '/resetPassword', { code, password: 'short' })
      expect(refused.heading).toBe('Choose a new password')
      // The code was right; the step is not done without it.
      expect(whereItIs(await post(attack, '/resetPassword', { password: theirs }))).toBe('Choose a new password')
      expect(whereItIs(await post(attack, '/changePassword', { password: theirs }))).toBe('Choose a new password')
      expect(await hashOf('attacker@example.com')).toBe(before)
      expect(whereItIs(await post(attack, '/resetPassword', { code, password: goodPassword }))).toBe('the app')
    })
  })

  describe('the victim’s own code', () => {
    async function victimsCode(): Promise<{ code: string; reset: Attack }> {
      clock.pass(60)
      const seen = await server.mail()
      const reset = await beginAttack()
      await post(reset, '/forgotPassword', { username: victim })
      return { code: await server.codeFor(victim, seen), reset }
    }

    test('serves once: not the other tab, not the back button, not a second browser', async () => {
      const { code, reset } = await victimsCode()
      const tab = await beginAttack(reset.agent)
      const elsewhere = await beginAttack()
      for (const one of [tab, elsewhere]) await post(one, '/forgotPassword', { username: victim })
      const before = await hashOf(victim)
      await post(reset, '/resetPassword', { code, password: goodPassword })
      const hash = await hashOf(victim)
      expect(hash).not.toBe(before)
      for (const one of [reset, tab, elsewhere]) {
        expect(whereItIs(await post(one, '/resetPassword', { code, password: theirs }))).not.toMatch(/^the app/)
      }
      expect(await hashOf(victim)).toBe(hash)
      expect(await opens(victim, theirs)).toBe(false)
    })

    test('serves for no other page', async () => {
      const { code, reset } = await victimsCode()
      const hash = await hashOf(victim)
      for (const path of ['/confirm', '/changePassword', '/login', '/consent']) {
        await post(reset, path, { code, password: '', confirmation_code: code, new_password: theirs })
      }
      const query = `user_name=${encodeURIComponent(victim)}&confirmation_code=${code}`
      expect((await reset.agent.visit(`/confirmUser?client_id=email&${query}`)).status).toBe(400)
      expect(await hashOf(victim)).toBe(hash)
      expect(whereItIs(await post(reset, '/resetPassword', { code, password: goodPassword }))).toBe('the app')
    })

    test('serves no longer than it lives, to the second', async () => {
      const { code, reset } = await victimsCode()
      const hash = await hashOf(victim)
      clock.pass(3600)
      expect(whereItIs(await post(reset, '/resetPassword', { code, password: theirs }))).not.toMatch(/^the app/)
      expect(await hashOf(victim)).toBe(hash)
    })

    test('of yesterday does not serve once there is a newer one', async () => {
      const { code } = await victimsCode()
      const { code: newer, reset } = await victimsCode()
      const hash = await hashOf(victim)
      if (code !== newer) {
        expect(whereItIs(await post(reset, '/resetPassword', { code, password: theirs }))).toBe('Choose a new password')
        expect(await hashOf(victim)).toBe(hash)
      }
      expect(whereItIs(await post(reset, '/resetPassword', { code: newer, password: goodPassword }))).toBe('the app')
    })
  })
})
