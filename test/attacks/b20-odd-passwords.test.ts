import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runCommand } from '../../src/app/administration/run-command.ts'
import { haveAccount } from '../support/accounts.ts'
import type { TestServer } from '../support/server.ts'
import { whereItIs } from '../support/visitor.ts'
import { callerAt, signIn, startAttackedServer } from './support/attacked-pool.ts'
import { exchange } from './support/raw-socket.ts'

/*
 * B20, passwords that the hash does not see as they were typed (OWASP): bcrypt reads 72 bytes, C libraries stop at a zero
 * byte, and a megabyte costs a megabyte's work. Two passwords that differ anywhere are two passwords; what is longer than
 * 256 characters is refused before it is hashed; nothing crashes. At the sign-in page, at sign-up and by command. Guards
 * src/security/password-hash.ts and src/domain/users/password-policy.ts. The hash itself: test/security/password-hash.test.ts;
 * that a long one takes no place in the queue: f2-hash-flood.
 */

let server: TestServer
beforeAll(async () => {
  server = await startAttackedServer()
})
afterAll(() => server.stop())

let made = 0
/** An account with this password, and whether others open it. */
async function accountWith(password: string): Promise<(attempt: string) => Promise<boolean>> {
  const username = `owner-${(made += 1)}@example.com`
  await haveAccount(server, { username, password })
  return async (attempt) =>
    whereItIs(await signIn((await callerAt(server.publicUrl)).page, username, attempt)) === 'the app'
}

const start = 'Aa1-'
const seventyTwo = start + 'x'.repeat(68)
/** Each pair: what is set, and what is not the same. */
const pairs: Record<string, [password: string, other: string]> = {
  'different from the 73rd byte on': [`${seventyTwo}this`, `${seventyTwo}that`],
  'one of 72 bytes, and more': [seventyTwo, `${seventyTwo}x`],
  'different in the 256th character': [`${start}${'x'.repeat(251)}y`, `${start}${'x'.repeat(251)}z`],
  'different behind a zero byte': [`${start}xxxx\0this`, `${start}xxxx\0that`],
  'one with a zero byte, and what stands before it': [`${start}xxxxxxxx\0yyyy`, `${start}xxxxxxxx`],
  'one without a zero byte, and with one behind': [`${start}xxxxxxxx`, `${start}xxxxxxxx\0`],
  'different in case': [`${start}password`, `${start}passworD`],
  'different in an accent': [`${start}caf\u00e9xxx`, `${start}cafexxx`],
  'different in the 73rd byte of letters of four': [
    `${start}${'\u{1f511}'.repeat(20)}a`,
    `${start}${'\u{1f511}'.repeat(20)}b`,
  ],
  'different lone surrogates': [`${start}xxxx\ud83d\udd11`, `${start}xxxx\ud83d`],
  'with a space inside, and without': [`${start}pass word`, `${start}password`],
  'with a line break, and a space': [`${start}pass\nword`, `${start}pass word`],
  'with a full-width letter': [`${start}pass\uff57ord`, `${start}password`],
  'its own SHA-256': [`${start}analytical`, createHash('sha256').update(`${start}analytical`).digest('hex')],
}

describe('two passwords', () => {
  test.each(Object.keys(pairs))('%s are two', async (name) => {
    const [password, other] = pairs[name]!
    const opens = await accountWith(password)
    expect(await opens(other)).toBe(false)
    expect(await opens(password)).toBe(true)
  })
})

describe('a password of more than 256 characters', () => {
  const longest = `${start}${'x'.repeat(252)}`

  test('is none, and one of 256 is', async () => {
    const opens = await accountWith(longest)
    expect(await opens(`${longest}x`)).toBe(false)
    expect(await opens(longest.slice(0, -1))).toBe(false)
    expect(await opens(longest)).toBe(true)
  })

  test.each([257, 1_000, 50_000])(
    '%i of them are refused, at sign-in as wrong and elsewhere as too long',
    async (length) => {
      const password = `${start}${'x'.repeat(length - start.length)}`
      const { page } = await callerAt(server.publicUrl)
      const signUp = await page.follow('Create an account')
      const refused = await signUp.submit({ username: `long-${length}@example.com`, password })
      expect([refused.status, refused.heading]).toEqual([200, 'Create your account'])
      const { services, publicUrl } = server
      const administration = { ...services, publicUrl, region: 'eu-west-1' }
      const input = { username: `long-${length}@example.com`, password }
      const answer = await runCommand(administration, 'user.create', input)
      expect(answer.ok).toBe(false)
      const users = await services.database.kysely.selectFrom('users').select('attributes').execute()
      expect(JSON.stringify(users)).not.toContain(`long-${length}@`)
    },
  )

  test('a megabyte of it is refused before it has been read', async () => {
    const body = `username=a%40example.com&password=${'x'.repeat(1024 * 1024)}`
    const head = [
      ...['POST /login HTTP/1.1', `Host: localhost:${server.port}`, 'Connection: close'],
      ...['Content-Type: application/x-www-form-urlencoded', `Content-Length: ${body.length}`],
    ]
    expect((await exchange(server.port, `${head.join('\r\n')}\r\n\r\n${body}`)).status).toBe(413)
  })
})

describe('a password of nothing that can be typed', () => {
  test.each([
    ['spaces', ' '.repeat(20)],
    ['zero bytes', '\0'.repeat(20)],
    ['control characters', '\u0001\u0002\u0003\u0004\u0005\u0006\u0007\u0008'],
    ['lone surrogates', '\ud800'.repeat(10)],
    ['nothing', ''],
  ])('%s is refused at sign-up, and opens nothing', async (what, password) => {
    const { page } = await callerAt(server.publicUrl)
    const signUp = await page.follow('Create an account')
    const username = `${what.replaceAll(' ', '-')}@example.com`
    expect((await signUp.submit({ username, password })).heading).toBe('Create your account')
    const opens = await accountWith(`${start}analytical`)
    expect(await opens(password)).toBe(false)
    expect(await opens(`${start}analytical`)).toBe(true)
  })
})
