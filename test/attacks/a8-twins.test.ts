import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runCommand } from '../../src/app/administration/run-command.ts'
import { haveAccount } from '../support/accounts.ts'
import { movableClock } from '../support/movable-clock.ts'
import { decode } from '../support/relying-party.ts'
import type { TestServer } from '../support/server.ts'
import { recipientsSince, settledMail } from '../support/settled-mail.ts'
import { goodPassword, startServerWithPools, userPoolId, visitorOf, whereItIs } from '../support/visitor.ts'
import type { PoolName } from '../support/visitor.ts'

/*
 * Threat row A8: names that look or fold alike. Logto told `Victim@x` from `victim@x`; GitHub once mailed a reset code to
 * the address that was typed, in which a dotless i had stood for the account's i. One account for all spellings, at every
 * door that takes a name. Guards src/domain/users/canonical-name.ts and src/domain/users/sign-in-name.ts.
 * (test/domain/sign-in-names.test.ts has the folding itself.)
 */

/** At the beginning, in the middle and at the end, in turn. */
const hideIn = (name: string, character: string, index: number): string => {
  const at = [0, 3, name.length - 3, name.length][index % 4] ?? 0
  return name.slice(0, at) + character + name.slice(at)
}

interface Victim {
  pool: PoolName
  /** As the account was made. */
  name: string
  /** Other spellings of the same name. */
  twins: readonly string[]
  /** Names that are not this one, however they look. */
  others: readonly string[]
}

const invisible = [
  ...['\u200B', '\u200C', '\u200D', '\u2060', '\u00AD', '\u034F', '\u115F', '\u180B', '\u180E', '\uFE0F', '\uFEFF'],
  ...['\u202E', '\u2066', '\u3164', '\uFFA0', '\u{1D173}', '\u{E0061}', '\u{E0100}'],
]

const victims: readonly Victim[] = [
  {
    pool: 'alias',
    name: 'Skofficé',
    twins: [
      ...['skofficé', 'SKOFFICÉ', 'ſkofficé', 's\u212Aofficé', 'skoﬃcé', 'skoffice\u0301', 'SKOFFICE\u0301'],
      ...['ｓｋｏｆｆｉｃé', '𝓼𝓴𝓸𝓯𝓯𝓲𝓬é', 'ⓢkofficé', 'ˢkofficé', ' skofficé ', '\u00A0skofficé\u3000', '\tskofficé'],
      ...invisible.map((character, index) => hideIn('skofficé', character, index)),
    ],
    others: ['skoffice', 'sk\u043Efficé', 'skoff\u0131cé', 'skoff\u0130cé', 'skofficé1', 'skofficé.'],
  },
  {
    pool: 'email',
    name: 'Victim.Name@Example.com',
    twins: [
      ...[
        'victim.name@example.com',
        'VICTIM.NAME@EXAMPLE.COM',
        'victim.name@example.com.',
        ' victim.name@example.com ',
      ],
      ...[
        'ｖictim.name@example.com',
        'victim.name＠example.com',
        'victim.name@example．com',
        'victim.name@example。com',
      ],
      ...[
        'victim.name﹫example.com',
        'victim．name@example.com',
        'victim.name@EXAMPLE.com\u00A0',
        '𝐯ictim.name@example.com',
      ],
      ...invisible.map((character, index) => hideIn('victim.name@example.com', character, index)),
    ],
    others: [
      ...['v\u0131ctim.name@example.com', 'v\u0130ctim.name@example.com', 'victim.n\u0430me@example.com'],
      ...[
        'victimname@example.com',
        'victim.name+x@example.com',
        'victim.name@exampl\u0435.com',
        'victim.name@example.co',
      ],
      ...[
        'victim.name@example.com@evil.example',
        '"victim.name"@example.com',
        'victim.name@example.com,x@evil.example',
      ],
    ],
  },
  {
    pool: 'email',
    name: 'ana@xn--mnchen-3ya.example',
    twins: ['ana@münchen.example', 'ANA@MÜNCHEN.EXAMPLE', 'ana@mu\u0308nchen.example', 'ana@XN--MNCHEN-3YA.example.'],
    others: [
      'ana@munchen.example',
      'ana@muenchen.example',
      'ana@m\u00FCnch\u0435n.example',
      'ana@xn--mnchen-3yb.example',
    ],
  },
  {
    pool: 'phone',
    name: '+4930901820',
    twins: [
      ...['+49 (30) 901-820', '(+49)30.901820', ' +49 30 90 18 20 ', '＋４９３０９０１８２０', '+49\u00A030901820'],
      ...invisible.map((character) => `+49${character}30901820`),
    ],
    others: ['4930901820', '004930901820', '+493090182', '+49309018200', '+49309O1820', '+٤٩٣٠٩٠١٨٢٠'],
  },
]

const clock = movableClock({ stopped: true })
let server: TestServer
beforeAll(async () => {
  server = await startServerWithPools({ clock })
})
afterAll(() => server.stop())

const count = async (pool: PoolName): Promise<number> =>
  (await server.services.domain.store.users.page({ userPoolId: userPoolId(pool), limit: 1000 })).length

describe.each(victims)('$name of the pool $pool', ({ pool, name, twins, others }) => {
  let sub: string
  beforeAll(async () => {
    const byName = pool === 'alias' ? { attributes: { email: 'skofficer@example.com', email_verified: 'true' } } : {}
    const verified = pool === 'phone' ? { attributes: { phone_number_verified: 'true' } } : byName
    const account = { username: name, password: goodPassword, userPoolId: userPoolId(pool), ...verified }
    sub = (await haveAccount(server, account)).sub
  })
  const recipient = pool === 'alias' ? 'skofficer@example.com' : name

  test('has no second account: not by sign-up, in whatever spelling', async () => {
    const before = await count(pool)
    const visitor = await visitorOf(server, pool)
    const form = await visitor.login.follow('Create an account')
    for (const twin of twins) {
      const page = await form.submit({ username: twin, password: 'An-attacker-s-1', email: 'mallory@example.net' })
      // Taken, not a name at all, or the page that looks like any other (an address is not public).
      expect([twin, page.heading]).toEqual([twin, expect.stringMatching(/^(Create your account|Check your messages)$/)])
      expect([twin, await count(pool)]).toEqual([twin, before])
    }
  })

  test('nor by an operator’s command', async () => {
    const administration = { ...server.services, publicUrl: server.publicUrl, region: 'eu-west-1' }
    const before = await count(pool)
    for (const username of twins) {
      const input = { userPool: userPoolId(pool), username, password: { value: goodPassword }, permanent: true }
      const answer = await runCommand(administration, 'user.create', input)
      expect([username, answer]).toEqual([username, expect.objectContaining({ ok: false, reason: 'refused' })])
    }
    expect(await count(pool)).toBe(before)
    // And whatever a command finds by such a name is this account.
    for (const username of twins) {
      const shown = await runCommand(administration, 'user.show', { userPool: userPoolId(pool), username })
      expect([username, shown]).toMatchObject([
        username,
        { ok: true, value: { Username: name === 'Skofficé' ? name : sub } },
      ])
    }
  })

  test('every spelling signs in to it, and no other name does', async () => {
    for (const twin of twins) {
      const visitor = await visitorOf(server, pool)
      const app = await visitor.login.submit({ username: twin, password: goodPassword })
      expect([twin, whereItIs(app)]).toEqual([twin, 'the app'])
      const { body } = await visitor.tokensFrom(app)
      expect([twin, decode(body.id_token)['sub']]).toEqual([twin, sub])
    }
    for (const other of others) {
      const { login } = await visitorOf(server, pool)
      expect([other, whereItIs(await login.submit({ username: other, password: goodPassword }))]).toEqual([
        other,
        'Sign in',
      ])
    }
  })

  test('a forgotten password goes to its own address, once for all spellings', async () => {
    clock.pass(31)
    const known = await settledMail(server)
    const { login } = await visitorOf(server, pool)
    const form = await login.follow('Forgot your password?')
    for (const typed of [...twins, ...others]) {
      expect((await form.submit({ username: typed })).heading).toBe('Choose a new password')
    }
    expect(await recipientsSince(server, known)).toEqual([recipient])
  })
})

test.each(['victim＠example.org', 'victim﹫example.org', 'vic\u200Btim@example.org', 'a@b'])(
  'the user name %s is none where people sign in by e-mail as well',
  async (username) => {
    const before = await count('alias')
    const form = await (await visitorOf(server, 'alias')).login.follow('Create an account')
    const page = await form.submit({ username, email: 'mallory@example.net', password: goodPassword })
    expect(page.heading).toBe('Create your account')
    expect(await count('alias')).toBe(before)
  },
)
