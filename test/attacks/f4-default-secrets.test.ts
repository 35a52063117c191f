import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runCommand } from '../../src/app/administration/run-command.ts'
import { ConfigError } from '../../src/platform/config/config-error.ts'
import { readEnvironment } from '../../src/platform/config/environment.ts'
import { createLatchkey } from '../cli/latchkey.ts'
import type { Latchkey } from '../cli/latchkey.ts'
import { haveAccount } from '../support/accounts.ts'
import { databaseKinds } from '../support/server.ts'
import type { TestServer } from '../support/server.ts'
import { goodPassword, startServerWithPools, userPoolId } from '../support/visitor.ts'

/*
 * F4, the secret that everybody knows and the page that goes where it is told: Ory Kratos CVE-2026-33503 and Hydra -33504
 * signed paging tokens with a key that stood in their documentation, and whoever made one up put SQL into it. Here the
 * server does not start on a secret that stands in ours, or that anybody could guess, and a paging token is a place in a
 * list and never part of a statement. Guards src/platform/config/weak-secret.ts and src/persistence/user-repository.ts.
 * How all bad values are told: test/platform/environment.test.ts.
 */

const repository = join(import.meta.dirname, '..', '..')
const databaseUrl = 'postgres://latchkey:x@127.0.0.1:1/latchkey'

const problemsOf = (LATCHKEY_SECRET: string): readonly string[] => {
  try {
    readEnvironment({ DATABASE_URL: databaseUrl, LATCHKEY_SECRET })
    return []
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return error.problems
  }
}

describe('a secret that is none', () => {
  const guessed = [
    'changeme'.repeat(4),
    'change-me-change-me-change-me-please',
    'CHANGE_ME_TO_A_LONG_RANDOM_STRING_0',
    'please-replace-this-with-your-own-9f',
    'replace-me-replace-me-replace-me-12',
    'your-key-goes-here-0123456789-abcdef',
    'this-is-an-insecure-key-for-testing1',
    'latchkey-latchkey-latchkey-latchkey1',
    'default-key-of-the-server-0123456789',
    'supersecretsupersecretsupersecret12',
    'correct-horse-password-staple-battery',
    'P@ssw0rdP@ssw0rdP@ssw0rdP@ssw0rd!',
    'placeholder-0123456789-placeholder-x',
    'qwertyuiopasdfghjklzxcvbnm1234567890',
    '0123456789abcdef0123456789abcdef',
    '0123456789ABCDEF'.repeat(4),
    'abcdefghijklmnopqrstuvwxyz0123456789',
    'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghij',
    '9876543210zyxwvutsrqponmlkjihgfedcba',
    '12345678901234567890123456789012',
    '00000000000000000000000000000000',
    'deadbeefdeadbeefdeadbeefdeadbeef',
    'f4Kz9Qw2f4Kz9Qw2f4Kz9Qw2f4Kz9Qw2',
    'Kz9Qw2Lm5Xv8Kz9Qw2Lm5Xv8Kz9Qw2Lm5Xv8Kz9',
    'a'.repeat(1000),
  ]
  test.each(guessed)('%j: the server does not start', (secret) => {
    const problems = problemsOf(secret)
    expect(problems).toHaveLength(1)
    expect(problems[0]).toMatch(/^LATCHKEY_SECRET (is too easy to guess|looks like a placeholder); make one with: /)
    expect(problems[0]).not.toContain(secret)
  })

  test('what stands in our own documents and examples is none, wherever it stands', () => {
    const documents = ['.env.example', 'docker-compose.yml', 'latchkey.example.yaml', 'Dockerfile', 'README.md']
    const docs = readdirSync(join(repository, 'docs'), { recursive: true, encoding: 'utf8' })
    const files = [...documents, ...docs.filter((name) => name.endsWith('.md')).map((name) => join('docs', name))]
    const found = files.flatMap((file) =>
      existsSync(join(repository, file)) ? secretsIn(readFileSync(join(repository, file), 'utf8')) : [],
    )
    for (const value of found) expect([value, problemsOf(value).length]).toEqual([value, 1])
    // The look-out itself sees one.
    expect(secretsIn('LATCHKEY_SECRET=abc\n  ClientSecret: ${WEB_SECRET}\nPOSTGRES_PASSWORD: hunter2')).toEqual([
      'abc',
      'hunter2',
    ])
  })

  test.each([
    ['openssl rand -base64 32', (bytes: Buffer) => bytes.toString('base64')],
    ['openssl rand -hex 32', (bytes: Buffer) => bytes.toString('hex')],
    ['openssl rand -base64 24', (bytes: Buffer) => bytes.subarray(0, 24).toString('base64')],
  ])('what %s makes is one', (_command, form) => {
    // Random to look at, and the same at every run.
    for (let index = 0; index < 1000; index += 1) {
      const secret = form(createHash('sha256').update(`secret ${index}`).digest())
      expect([secret, problemsOf(secret)]).toEqual([secret, []])
    }
  })

  describe('as an operator would start it', () => {
    let latchkey: Latchkey
    beforeAll(async () => {
      latchkey = await createLatchkey()
    })
    afterAll(() => latchkey.remove())

    test.each([
      ['on PostgreSQL', { DATABASE_URL: databaseUrl, LATCHKEY_SECRET: 'changeme'.repeat(4) }],
      ['on PostgreSQL, with none', { DATABASE_URL: databaseUrl }],
      ['embedded', { LATCHKEY_SECRET: '0123456789abcdef'.repeat(2) }],
    ])('%s: it ends at once, says why, and has made nothing', async (_where, env: Record<string, string>) => {
      const { status, stderr } = await latchkey.run(['serve'], { env })
      expect(status).toBe(1)
      expect(stderr).toContain('LATCHKEY_SECRET')
      expect(stderr).toContain('openssl rand -base64 32')
      if (env['LATCHKEY_SECRET'] !== undefined) expect(stderr).not.toContain(env['LATCHKEY_SECRET'])
      expect(existsSync(join(latchkey.folder, 'data'))).toBe(false)
    })
  })
})

/** Values that a text gives to a secret or a password: `NAME_SECRET=value`, `ClientSecret: value`. */
const secretsIn = (text: string): string[] =>
  [...text.matchAll(/\b\w*(?:SECRET|PASSWORD|ClientSecret|SecretAccessKey)[ \t]*[:=][ \t]*["'`]?([^\s"'`|,})]+)/g)]
    .map((match) => match[1] ?? '')
    .filter((value) => !value.startsWith('$'))

describe.each(databaseKinds)('a paging token of `user list` on %s', (database) => {
  let server: TestServer
  beforeAll(async () => {
    server = await startServerWithPools({ database })
    for (const name of ['ada', 'bea', 'cat', 'dot']) {
      await haveAccount(server, { username: `${name}@example.com`, password: goodPassword })
    }
    await haveAccount(server, {
      username: 'secretly@example.com',
      password: goodPassword,
      userPoolId: userPoolId('profile'),
      attributes: { given_name: 'S', birthdate: '2000-01-01' },
    })
  })
  afterAll(() => server.stop())

  const list = async (input: object): Promise<{ names: string[]; next: string | undefined }> => {
    const { services, publicUrl } = server
    const administration = { ...services, publicUrl, region: 'eu-west-1' }
    const answer = await runCommand(administration, 'user.list', { userPool: userPoolId('email'), ...input })
    if (!answer.ok) throw new Error(answer.message)
    const page = answer.value as { Users: { Attributes: { email: string } }[]; NextToken?: string }
    const names = page.Users.map(({ Attributes }) => Attributes.email)
    return { names, next: page.NextToken }
  }
  const everybody = ['ada@example.com', 'bea@example.com', 'cat@example.com', 'dot@example.com']

  test('leads through the whole list, and ends', async () => {
    const seen: string[] = []
    let after: string | undefined
    do {
      const page = await list({ limit: 1, ...(after === undefined ? {} : { after }) })
      seen.push(...page.names)
      after = page.next
    } while (after !== undefined)
    expect(seen.toSorted()).toEqual(everybody)
  })

  test.each([
    "' or 1=1 --",
    "'; drop table users; --",
    "' union select * from signing_keys --",
    "x' || (select pg_sleep(10)::text) || '",
    '$1',
    '$2) or true --',
    '\\x27 or 1=1',
    '{"username_key":"a","user_pool_id":"eu-west-1_profile"}',
    Buffer.from('["email","ada@example.com","or","1=1"]').toString('base64url'),
    'eyJhbGciOiJub25lIn0.eyJ1c2VyX3Bvb2xfaWQiOiJldS13ZXN0LTFfcHJvZmlsZSJ9.',
    'secretly@example.com',
    '%',
    '',
  ])('that is made up, %j, is a place in this pool’s list', async (after) => {
    const { names } = await list({ after })
    // Nobody who does not belong here, and everybody behind that place, in the database's own order.
    expect(everybody).toEqual(expect.arrayContaining(names))
    expect((await list({})).names.toSorted()).toEqual(everybody)
  })

  test.each([
    ['an object', { $gt: '' }],
    ['a list', ['a']],
    ['a number', 1],
    ['endless', 'x'.repeat(513)],
  ])('that is %s is refused', async (_what, after) => {
    await expect(list({ after })).rejects.toThrow('after: ')
  })

  test('with a zero byte is refused, before the database has to', async () => {
    await expect(list({ after: 'a\0b' })).rejects.toThrow('zero byte')
  })
})
