import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { signIn } from '../../../src/domain/sign-in/sign-in.ts'
import { fromFirebase, firebaseParameters as readParameters } from '../../../src/domain/user-import/firebase-user.ts'
import { importBatch, ImportOvertaken } from '../../../src/domain/user-import/import-users.ts'
import type { NumberedRow } from '../../../src/domain/user-import/import-users.ts'
import { setUserPassword } from '../../../src/domain/users/administer-user.ts'
import { changePassword } from '../../../src/domain/users/change-password.ts'
import { OverloadedError } from '../../../src/security/overloaded-error.ts'
import { userPoolOf } from '../../support/accounts.ts'
import { firebaseHashOf, firebaseParameters, hashesOf } from '../../support/known-hashes.ts'
import type { TestServer } from '../../support/server.ts'
import { goodPassword, startServerWithPools, userPoolId, visitorOf, whereItIs } from '../../support/visitor.ts'

/* Whoever comes from another place signs in with the password that they had there, and from then on has a hash of ours. */

const kinds = ['bcrypt', 'scrypt', 'pbkdf2', 'argon2', 'firebase'] as const
type Kind = (typeof kinds)[number]

const nameOf = (kind: Kind, number: number): string => `${kind}-${number}@example.com`
const passwordOf = (kind: Kind, number: number): string => `${kind}-Pass-${number}`

async function rowOf(kind: Kind, number: number): Promise<object> {
  const attributes = { email: nameOf(kind, number), email_verified: 'true' }
  const password = passwordOf(kind, number)
  if (kind !== 'firebase') return { Attributes: attributes, PasswordHash: await hashesOf[kind](password) }
  const given = { localId: `${kind}-${number}`, email: attributes.email, emailVerified: true }
  const read = fromFirebase({ ...given, ...firebaseHashOf(password) }, readParameters.parse(firebaseParameters))
  if ('problem' in read) throw new Error(read.problem)
  return read.user
}

describe.each([
  ['embedded', 20],
  ['postgres', 1000],
] as const)('on %s', (database, count) => {
  let server: TestServer
  beforeAll(async () => {
    server = await startServerWithPools({ database })
  })
  afterAll(() => server.stop())

  const domain = () => server.services.domain
  const pool = () => userPoolOf(server, userPoolId('email'))
  let files = 0
  async function importAll(rows: readonly NumberedRow[]) {
    const fileHash = `file ${(files += 1)}`
    await domain().store.userImports.start(pool().id, fileHash, domain().clock.now())
    const outcome = await importBatch(domain(), pool(), rows, { fileHash, from: 0 })
    await server.services.directory.refresh()
    return outcome
  }
  const enter = async (username: string, password: string) => {
    const snapshot = await server.services.directory.get(pool().id)
    const appClient = snapshot?.appClients.get('email')
    if (appClient === undefined) throw new Error('there is no client')
    return signIn(domain(), { userPool: pool(), appClient, username, password })
  }
  const stored = async (name: string) => {
    const user = await domain().store.users.findByIdentifier(pool().id, name)
    if (user === undefined) throw new Error(`there is no ${name}`)
    return user
  }

  test.each(kinds)(`${count} users with %s hashes sign in, and each has a hash of ours then`, async (kind) => {
    const rows = await Promise.all(
      Array.from({ length: count }, async (_, index) => ({ row: index + 1, user: await rowOf(kind, index) })),
    )
    const outcome = await importAll(rows)
    expect([outcome.imported.length, outcome.refused]).toEqual([count, []])
    const numbers = rows.map((_, index) => index)
    const wrong = await enter(nameOf(kind, 0), passwordOf(kind, 1))
    expect(wrong).toMatchObject({ kind: 'refused', reason: 'incorrectCredentials' })
    expect((await stored(nameOf(kind, 0))).passwordHash).not.toMatch(/^\$argon2id\$v=19\$m=1024,/)
    const signedIn: string[] = []
    for (let from = 0; from < count; from += 50) {
      const some = numbers.slice(from, from + 50)
      const outcomes = await Promise.all(some.map((number) => enter(nameOf(kind, number), passwordOf(kind, number))))
      signedIn.push(...outcomes.map((each) => each.kind))
    }
    expect(new Set(signedIn)).toEqual(new Set(['done']))
    const after = await Promise.all(numbers.slice(0, 20).map((number) => stored(nameOf(kind, number))))
    for (const user of after) expect(user.passwordHash).toMatch(/^\$argon2id\$v=19\$(?:m=1024,t=2|t=2,m=1024),p=1\$/)
    expect(await enter(nameOf(kind, 1), passwordOf(kind, 1))).toMatchObject({ kind: 'done' })
    expect(await enter(nameOf(kind, 1), passwordOf(kind, 0))).toMatchObject({ kind: 'refused' })
  })

  test('through the pages as well', async () => {
    await importAll([{ row: 1, user: await rowOf('bcrypt', 5000) }])
    const { login } = await visitorOf(server)
    const username = nameOf('bcrypt', 5000)
    const wrong = await login.submit({ username, password: 'Not-the-one-1' })
    expect([wrong.status, wrong.text.includes('Incorrect username or password')]).toEqual([200, true])
    expect(whereItIs(await wrong.submit({ username, password: passwordOf('bcrypt', 5000) }))).toBe('the app')
  })

  test('the kinds that a pool has are known while anybody has one, and forgotten with the last', async () => {
    const [one, other] = [await rowOf('scrypt', 6000), await rowOf('pbkdf2', 6001)]
    await importAll([
      { row: 1, user: one },
      { row: 2, user: other },
    ])
    await enter(nameOf('scrypt', 6000), passwordOf('scrypt', 6000))
    const { settings } = domain().store
    await settings.dropUnusedPasswordForms(domain().clock.now())
    await server.services.directory.refresh()
    expect(pool().passwordForms).toEqual(['$pbkdf2-sha256$i=10,l=32'])
    // Nothing more to forget: no other server is told to read its settings anew.
    const generation = await settings.generation()
    await settings.dropUnusedPasswordForms(domain().clock.now())
    expect(await settings.generation()).toBe(generation)
    // Whoever gets another password has no imported one any more either.
    const { user } = { user: await stored(nameOf('pbkdf2', 6001)) }
    expect(await setUserPassword(domain(), pool(), user, goodPassword, true)).toEqual([])
    await settings.dropUnusedPasswordForms(domain().clock.now())
    await server.services.directory.refresh()
    expect(pool().passwordForms).toEqual([])
  })

  test('a password is changed with an imported one, and a new hash takes the place of no newer one', async () => {
    await importAll([{ row: 1, user: await rowOf('argon2', 7000) }])
    const user = await stored(nameOf('argon2', 7000))
    const { store } = domain()
    expect(await store.users.replacePasswordHash(pool().id, user.sub, 'another hash', 'x')).toBe(false)
    const session = { userPoolId: pool().id, uid: 'none' } as never
    const request = { userPool: pool(), user, session, currentPassword: passwordOf('argon2', 7000) }
    const outcome = await changePassword(domain(), { ...request, password: goodPassword } as never)
    expect(outcome.kind).toBe('done')
    expect(await enter(nameOf('argon2', 7000), goodPassword)).toMatchObject({ kind: 'done' })
  })

  test('with too much to do a right password signs in all the same, and is hashed the next time', async () => {
    await importAll([{ row: 1, user: await rowOf('bcrypt', 8000) }])
    const { passwordHasher } = domain()
    const { hash } = passwordHasher
    passwordHasher.hash = () => Promise.reject(new OverloadedError())
    try {
      expect(await enter(nameOf('bcrypt', 8000), passwordOf('bcrypt', 8000))).toMatchObject({ kind: 'done' })
    } finally {
      passwordHasher.hash = hash
    }
    expect((await stored(nameOf('bcrypt', 8000))).passwordHash).toMatch(/^\$2b\$04\$/)
  })

  test('a sign-up that was never confirmed makes way for whom it took the address from', async () => {
    const name = nameOf('scrypt', 9000)
    const start = await (await visitorOf(server)).login.follow('Create an account')
    const confirming = await start.submit({ username: name, password: 'The-squatters-1852' })
    expect(confirming.heading).toBe('Check your messages')
    const outcome = await importAll([{ row: 1, user: await rowOf('scrypt', 9000) }])
    expect(outcome.refused).toEqual([])
    expect(await enter(name, 'The-squatters-1852')).toMatchObject({ kind: 'refused' })
    expect(await enter(name, passwordOf('scrypt', 9000))).toMatchObject({ kind: 'done' })
    // One that was confirmed does not.
    const again = await importAll([{ row: 1, user: await rowOf('scrypt', 9000) }])
    expect(again).toMatchObject({ imported: [], refused: [{ row: 1, reason: 'the name is another user’s' }] })
  })

  test('two imports of one file do not both go on', async () => {
    const { store, clock } = domain()
    await store.userImports.start(pool().id, 'twice', clock.now())
    const rows = [{ row: 1, user: await rowOf('scrypt', 9100) }]
    const both = await Promise.allSettled([
      importBatch(domain(), pool(), rows, { fileHash: 'twice', from: 0 }),
      importBatch(domain(), pool(), rows, { fileHash: 'twice', from: 0 }),
    ])
    expect(both.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
    expect(both.find(({ status }) => status === 'rejected')).toMatchObject({ reason: expect.any(ImportOvertaken) })
    expect(await store.userImports.find(pool().id, 'twice')).toMatchObject({ rowsDone: 1, imported: 1, refused: 0 })
  })

  test('two files with the same person bring one of them, and no halves of the other', async () => {
    const rows = async (kind: Kind) => [
      { row: 1, user: await rowOf(kind, 9200) },
      { row: 2, user: { ...(await rowOf(kind, 9201)), Attributes: { email: 'twice@example.com' } } },
    ]
    const [first, second] = [await rows('scrypt'), await rows('pbkdf2')]
    const outcomes = await Promise.all([importAll(first), importAll(second)])
    expect(outcomes.map(({ imported }) => imported.length).toSorted((a, b) => a - b)).toEqual([1, 2])
    expect(outcomes.flatMap(({ refused }) => refused)).toMatchObject([{ row: 2, reason: 'the name is another user’s' }])
    const { rows: left } = await sql<{ count: string }>`
      select count(*) from users where attributes ->> 'email' = 'twice@example.com'`.execute(
      server.services.database.kysely,
    )
    expect(Number(left[0]?.count)).toBe(1)
  })

  test('a sub that somebody has brings nobody', async () => {
    const { sub } = await stored(nameOf('scrypt', 9200))
    const user = { ...(await rowOf('scrypt', 9300)), Sub: sub }
    expect(await importAll([{ row: 1, user }])).toMatchObject({
      refused: [{ reason: 'Sub: there is a user with this one already' }],
    })
  })

  test('a user pool has eight kinds at once at most', async () => {
    const rows = await Promise.all(
      Array.from({ length: 9 }, async (_, index) => ({
        row: index + 1,
        user: {
          Attributes: { email: `form-${index}@example.com` },
          PasswordHash: (await hashesOf.pbkdf2(goodPassword)).replace('$10$', `$${100 + index}$`),
        },
      })),
    )
    const before = pool().passwordForms.length
    const { imported, refused } = await importAll(rows)
    expect([imported.length, refused.length]).toEqual([8 - before, 1 + before])
    expect(refused[0]?.reason).toContain('one kind more than the 8')
  })
})
