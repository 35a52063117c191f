import { once } from 'node:events'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { firebaseHashOf, firebaseParameters, hashesOf } from '../../support/known-hashes.ts'
import { createDatabase } from '../../support/postgres.ts'
import { createLatchkey, newSecret } from '../latchkey.ts'
import type { Latchkey } from '../latchkey.ts'

/* Users move in from files of other places, and out again. */

const password = 'Analytical-1843'
const header =
  'cognito:username,name,given_name,family_name,middle_name,nickname,preferred_username,profile,picture,website,email,' +
  'email_verified,gender,birthdate,zoneinfo,locale,phone_number,phone_number_verified,address,updated_at,' +
  'cognito:mfa_enabled,custom:plan,password_hash'

const configuration = `
UserPools:
  - PoolName: main
    UsernameAttributes: [email]
    AutoVerifiedAttributes: [email]
    Schema:
      - { Name: email, Required: true }
      - { Name: plan, AttributeDataType: String }
    Groups:
      - { GroupName: staff, Precedence: 1 }
  - PoolName: other
    UsernameAttributes: [email]
    Schema:
      - { Name: plan, AttributeDataType: String }
  - PoolName: names
    AliasAttributes: [email]
`

describe.each(['embedded', 'postgres'] as const)('on %s', (kind) => {
  let latchkey: Latchkey
  const cleanUp: (() => Promise<void>)[] = []
  beforeAll(async () => {
    const database = kind === 'postgres' ? await createDatabase(inject('postgresUrl')) : undefined
    if (database !== undefined) cleanUp.push(() => database.drop())
    latchkey = await createLatchkey({
      LATCHKEY_DEV: '0',
      ...(database === undefined ? {} : { DATABASE_URL: database.url, LATCHKEY_SECRET: newSecret() }),
    })
    await writeFile(join(latchkey.folder, 'latchkey.yaml'), configuration)
    // A server has the embedded database to itself, and is handed everything; with PostgreSQL there need be none.
    const served = await latchkey.serve()
    if (kind === 'postgres') await served.stop()
    else cleanUp.push(() => served.stop())
  })
  afterAll(async () => {
    for (const clean of cleanUp.toReversed()) await clean()
    await latchkey.remove()
  })

  const file = async (name: string, text: string): Promise<string> => {
    const path = join(latchkey.folder, name)
    await writeFile(path, text)
    return path
  }
  const jsonLines = async (path: string): Promise<unknown[]> =>
    (await readFile(path, 'utf8'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown)
  const show = (name: string, pool = 'main') => latchkey.json('user', 'show', name, '--pool', pool)

  test('the file of Cognito’s own imports: who comes, who does not and why, and nobody twice', async () => {
    const row = (values: Record<string, string>): string =>
      header
        .split(',')
        .map((column) => (values[column] ?? '').replaceAll(',', '\\,'))
        .join(',')
    const csv = await file(
      'users.csv',
      [
        header,
        row({
          'cognito:username': '1f0e-old-id',
          name: 'Lovelace, Ada',
          email: 'ada@example.com',
          email_verified: 'TRUE',
          birthdate: '12/10/1815',
          'custom:plan': 'gold',
          password_hash: await hashesOf.bcrypt(password),
        }),
        row({ 'cognito:username': 'x', email: 'babbage@example.com', email_verified: 'true' }),
        row({ 'cognito:username': 'y', email: 'nobody@example.com', email_verified: 'false' }),
        row({ 'cognito:username': 'z', email: 'ADA@example.com', email_verified: 'true' }),
        row({ 'cognito:username': 'w', email: 'no address', email_verified: 'true' }),
        'too,few',
        row({ email: 'md5@example.com', password_hash: '5f4dcc3b5aa765d61d8327deb882cf99' }),
        '',
      ].join('\n'),
    )
    const dry = await latchkey.json('import', csv, '--dry-run')
    expect(dry).toMatchObject({ DryRun: true, Imported: 2, Refused: 5 })
    expect((await latchkey.json('user', 'list', '--pool', 'main')).Users).toEqual([])
    const imported = await latchkey.run(['import', csv])
    expect(imported).toMatchObject({
      status: 0,
      stdout: `Imported 2 users; 5 rows refused.\nWhich, and why: ${csv}.refused.jsonl\n`,
      stderr: '',
    })
    expect(await jsonLines(`${csv}.refused.jsonl`)).toEqual([
      { Row: 4, Username: 'y', Reason: 'has neither a password hash nor a verified address: nobody could sign in' },
      { Row: 5, Username: 'z', Reason: 'the name is that of row 2' },
      { Row: 6, Username: 'w', Reason: 'Username: is no e-mail address' },
      { Row: 7, Reason: 'has 2 fields for 23 columns: a comma within one is written as \\,' },
      {
        Row: 8,
        Reason: 'PasswordHash: of no kind that is understood, or one that costs too much to check',
      },
    ])
    expect((await stat(`${csv}.refused.jsonl`)).mode & 0o077).toBe(0)
    expect(await show('ada@example.com')).toMatchObject({
      UserStatus: 'CONFIRMED',
      Attributes: { name: 'Lovelace, Ada', birthdate: '1815-12-10', email_verified: 'true', 'custom:plan': 'gold' },
    })
    expect(await show('babbage@example.com')).toMatchObject({ UserStatus: 'RESET_REQUIRED' })
    // Again: it was done.
    expect(await latchkey.run(['import', csv])).toMatchObject({
      status: 4,
      stderr: expect.stringMatching(
        /^latchkey: This file was imported at .* \(2 imported, 5 refused\): --restart goes/,
      ),
    })
    expect(await latchkey.json('import', csv, '--restart')).toMatchObject({ Imported: 0, Refused: 7 })
    expect(await jsonLines(`${csv}.refused.jsonl`)).toContainEqual({
      Row: 2,
      Username: '1f0e-old-id',
      Reason: 'the name is another user’s',
    })
    const events = await latchkey.json('audit', 'list', '--pool', 'main', '--event', 'UserImport')
    expect(events.AuditEvents).toHaveLength(2)
  })

  test('Firebase’s export, with the parameters of its project', async () => {
    const users = [
      {
        localId: 'FirebaseUid28charactersLong1',
        email: 'grace@example.com',
        emailVerified: true,
        ...firebaseHashOf(password),
        displayName: 'Grace',
        createdAt: '1500000000000',
        providerUserInfo: [],
      },
      { localId: 'b', email: 'google-only@example.com', emailVerified: true, disabled: true },
      { localId: 'anonymous' },
      { localId: 'FirebaseUid28charactersLong1', email: 'other@example.com', emailVerified: true },
    ]
    const exported = await file('firebase.json', JSON.stringify({ users }, null, 2))
    const parameters = await file('parameters.json', JSON.stringify(firebaseParameters))
    expect(await latchkey.json('import', exported, '--dry-run')).toMatchObject({ Imported: 2, Refused: 2 })
    const report = join(latchkey.folder, 'elsewhere.jsonl')
    const args = ['import', exported, '--firebase-parameters', parameters, '--report', report]
    expect(await latchkey.json(...args)).toMatchObject({ Imported: 2, Refused: 2, Report: report })
    expect(await jsonLines(report)).toEqual([
      { Row: 3, Username: 'anonymous', Reason: 'has no address to sign in with' },
      { Row: 4, Username: 'FirebaseUid28charactersLong1', Reason: 'the name is that of row 1' },
    ])
    expect(await show('grace@example.com')).toMatchObject({
      Username: 'FirebaseUid28charactersLong1',
      UserStatus: 'CONFIRMED',
      UserCreateDate: '2017-07-14T02:40:00.000Z',
      Attributes: { name: 'Grace', email_verified: 'true' },
    })
    expect(await show('google-only@example.com')).toMatchObject({ UserStatus: 'RESET_REQUIRED', Enabled: false })
    expect(await latchkey.run(['import', exported, '--firebase-parameters', exported])).toMatchObject({ status: 2 })
  })

  test('lists and lines of JSON; what is no user is told by its row', async () => {
    const listed = await file(
      'list.json',
      JSON.stringify({
        Users: [
          {
            Username: 'turing',
            Attributes: [
              { Name: 'sub', Value: 'c0ffee00-0000-4000-8000-000000000000' },
              { Name: 'email', Value: 'turing@example.com' },
              { Name: 'email_verified', Value: 'true' },
            ],
            UserCreateDate: '2020-01-02T03:04:05.678000+01:00',
            Enabled: true,
            UserStatus: 'CONFIRMED',
          },
          { Username: 'google_1', UserStatus: 'EXTERNAL_PROVIDER' },
          'nobody',
        ],
      }),
    )
    expect(await latchkey.json('import', listed, '--pool', 'names')).toMatchObject({ Imported: 1, Refused: 2 })
    expect(await show('turing@example.com', 'names')).toMatchObject({
      Username: 'turing',
      Attributes: { sub: 'c0ffee00-0000-4000-8000-000000000000' },
      UserCreateDate: '2020-01-02T02:04:05.678Z',
    })
    const lines = await file(
      'lines.jsonl',
      [
        JSON.stringify({ Username: 'hopper', PasswordHash: await hashesOf.scrypt(password), Groups: ['nowhere'] }),
        JSON.stringify({ Username: 'knuth', PasswordHash: await hashesOf.pbkdf2(password), Atributes: {} }),
        JSON.stringify({ Username: 'euler\u0000', PasswordHash: 'x' }),
        '{"Username": "gauss"',
        JSON.stringify({
          Username: 'noether',
          PasswordHash: await hashesOf.argon2(password),
          Attributes: { foo: 'x' },
        }),
        JSON.stringify({ Username: 'emmy@example.com', PasswordHash: await hashesOf.argon2(password) }),
        JSON.stringify({
          Username: 'lamport',
          PasswordHash: await hashesOf.argon2(password),
          UserMFASettingList: ['SOFTWARE_TOKEN_MFA'],
        }),
        JSON.stringify({ Username: 'dijkstra', PasswordHash: await hashesOf.argon2(password) }),
      ].join('\n'),
    )
    expect(await latchkey.json('import', lines, '--pool', 'names')).toMatchObject({ Imported: 1, Refused: 7 })
    const reasons = (await jsonLines(`${lines}.refused.jsonl`)).map((row) => (row as { Reason: string }).Reason)
    expect(reasons).toEqual([
      'Groups: there is no group nowhere',
      expect.stringContaining('Atributes'),
      'holds a zero byte',
      'is no JSON object',
      'the user pool’s Schema has no attribute foo',
      'Username: looks like an e-mail address, which is an alias here',
      'UserMFASettingList: there is nothing for SOFTWARE_TOKEN_MFA to work with',
    ])
  })

  test.each([
    ['no such file', undefined, /^latchkey: There is no file /],
    ['an empty file', '', /as CSV its first line is not Cognito's: /],
    ['a picture', '\u0089PNG\r\n', /as CSV its first line is not Cognito's: there is no column/],
    ['a broken document', '{"users": [{"localId": "a"},, ]}', /no well-formed JSON/],
  ])('%s is no file of users', async (name, text, message) => {
    const path = text === undefined ? join(latchkey.folder, 'absent') : await file(`${name}.bad`, text)
    expect(await latchkey.run(['import', path])).toMatchObject({ status: 2, stderr: expect.stringMatching(message) })
  })

  test('an import that was killed goes on where it stopped, and its report is whole', async () => {
    const hash = await hashesOf.argon2(password)
    const users = Array.from({ length: 2_500 }, (_, index) =>
      // Every tenth is refused.
      JSON.stringify({
        Attributes: { email: index % 10 === 0 ? 'none' : `many-${index}@example.com`, email_verified: 'true' },
        PasswordHash: hash,
      }),
    )
    const path = await file('many.jsonl', users.join('\n'))
    const child = latchkey.start(['import', path])
    const report = `${path}.refused.jsonl`
    // Once a batch or so is done.
    while (((await stat(report).catch(() => undefined))?.size ?? 0) === 0 && child.exitCode === null) {
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    child.kill('SIGKILL')
    await once(child, 'exit')
    const summary = await latchkey.json('import', path)
    expect(summary).toMatchObject({ Imported: 2_250, Refused: 250, ResumedAfter: expect.any(Number) })
    const rows = (await jsonLines(report)).map((row) => (row as { Row: number }).Row)
    expect(rows).toEqual(Array.from({ length: 250 }, (_, index) => index * 10 + 1))
  })

  test('what is exported is sealed, and brings everybody to another user pool with all they have', async () => {
    const secret = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP'
    const rich = await file(
      'rich.jsonl',
      JSON.stringify({
        Sub: 'rich',
        Attributes: { email: 'rich@example.com', email_verified: 'true', 'custom:plan': 'gold' },
        PasswordHash: await hashesOf.bcrypt(password),
        Groups: ['staff'],
        UserMFASettingList: ['WEB_AUTHN', 'SOFTWARE_TOKEN_MFA'],
        PreferredMfaSetting: 'SOFTWARE_TOKEN_MFA',
        SoftwareTokens: [{ Secret: secret }],
        Passkeys: [{ CredentialId: 'Y3JlZA', RelyingPartyId: 'localhost', PublicKey: 'a2V5', Counter: 7 }],
      }),
    )
    expect(await latchkey.json('import', rich)).toMatchObject({ Imported: 1 })
    const sealed = join(latchkey.folder, 'users.age')
    const short = await latchkey.run(['export', sealed, '--passphrase-stdin'], { stdin: 'short\n' })
    expect(short).toMatchObject({ status: 2, stderr: 'latchkey: The passphrase must have 12 characters or more.\n' })
    const exported = await latchkey.json('export', sealed, '--generate-passphrase')
    expect(exported).toMatchObject({ File: sealed, Passphrase: expect.stringMatching(/^[\w-]{32}$/) })
    const bytes = await readFile(sealed)
    expect(bytes.subarray(0, 21).toString()).toBe('age-encryption.org/v1')
    expect(bytes.includes('rich@example.com')).toBe(false)
    expect((await stat(sealed)).mode & 0o077).toBe(0)
    expect(await latchkey.run(['export', sealed, '--generate-passphrase'])).toMatchObject({ status: 4 })

    const into = ['import', sealed, '--pool', 'other', '--passphrase-stdin']
    expect(await latchkey.run(into, { stdin: 'another passphrase\n' })).toMatchObject({
      status: 4,
      stderr: 'latchkey: The file does not open with this passphrase.\n',
    })
    expect(await latchkey.run(['import', sealed, '--pool', 'other'])).toMatchObject({ status: 2 })
    const moved = await latchkey.run([...into, '--json'], { stdin: `${exported.Passphrase}\n` })
    expect(JSON.parse(moved.stdout)).toMatchObject({ Imported: exported.Users, Refused: 0 })
    const [before, after] = [await show('rich@example.com'), await show('rich@example.com', 'other')]
    expect(after).toEqual({ ...before, UserPoolId: after.UserPoolId })
    expect(after).toMatchObject({
      Attributes: { sub: 'rich', 'custom:plan': 'gold' },
      Groups: ['staff'],
      UserMFASettingList: ['WEB_AUTHN', 'SOFTWARE_TOKEN_MFA'],
    })
    // And again, from there: the secrets are the same.
    const again = join(latchkey.folder, 'again.age')
    const options = ['--pool', 'other', '--passphrase-stdin']
    await latchkey.run(['export', again, ...options], { stdin: `${exported.Passphrase}\n` })
    const { Decrypter } = await import('age-encryption')
    const decrypter = new Decrypter()
    decrypter.addPassphrase(exported.Passphrase as string)
    const text = await decrypter.decrypt(await readFile(again), 'text')
    const line = text.split('\n').find((candidate) => candidate.includes('rich@example.com')) ?? '{}'
    expect(JSON.parse(line)).toMatchObject({
      PasswordHash: expect.stringMatching(/^\$2b\$04\$/),
      SoftwareTokens: [{ Secret: secret, LastTimeStep: 0 }],
      Passkeys: [{ CredentialId: 'Y3JlZA', RelyingPartyId: 'localhost', PublicKey: 'a2V5', Counter: 7 }],
      PreferredMfaSetting: 'SOFTWARE_TOKEN_MFA',
    })
    expect(JSON.parse(text.split('\n')[0] ?? '')).toMatchObject({
      Latchkey: 'export',
      Groups: [{ GroupName: 'staff', Precedence: 1 }],
    })
    const events = await latchkey.json('audit', 'list', '--pool', 'main', '--event', 'UserExport')
    expect(events.AuditEvents).toMatchObject([{ EventResponse: 'Pass' }])
  }, 60_000)
})
