import { afterAll, beforeEach, expect, test, vi } from 'vitest'
import { signIn } from '../../src/domain/sign-in/sign-in.ts'
import { disableUser } from '../../src/domain/users/administer-user.ts'
import { importBatch } from '../../src/domain/user-import/import-users.ts'
import type * as native from '@node-rs/argon2'
import type * as imported from '../../src/security/imported-hash.ts'
import type { User } from '../../src/domain/users/user.ts'
import { haveAccount, userPoolOf } from '../support/accounts.ts'
import { hashesOf } from '../support/known-hashes.ts'
import { goodPassword, startServerWithPools, userPoolId } from '../support/visitor.ts'

/*
 * Threat row B14: imported hashes cost more or less than ours, so that the time of an answer would tell who came from elsewhere,
 * and thereby who is there at all. A check of a password does the work of all kinds that the pool has, whoever has the name.
 */

// Files share a process: this one has its own modules, and leaves none of them behind.
vi.hoisted(() => vi.resetModules())
afterAll(() => {
  vi.doUnmock('@node-rs/argon2')
  vi.doUnmock('../../src/security/imported-hash.ts')
  vi.resetModules()
})

const work: string[] = []
vi.mock('@node-rs/argon2', async (load) => {
  const real = await load<typeof native>()
  return {
    ...real,
    hashRaw: (...args: Parameters<typeof real.hashRaw>) => {
      work.push(`argon2id m=${args[1]?.memoryCost}`)
      return real.hashRaw(...args)
    },
  }
})
vi.mock('../../src/security/imported-hash.ts', async (load) => {
  const real = await load<typeof imported>()
  return {
    ...real,
    parseImportedHash: (text: string) => {
      const hash = real.parseImportedHash(text)
      if (hash === undefined) return undefined
      const matches = (password: string) => {
        work.push(hash.form)
        return hash.matches(password)
      }
      return { ...hash, matches }
    },
    workLike: (form: string, password: string) => {
      work.push(form)
      return real.workLike(form, password)
    },
  }
})
beforeEach(() => {
  work.length = 0
})

test('the same work for a name that nobody has, a known one, and one from elsewhere', async () => {
  const server = await startServerWithPools({})
  try {
    const { domain, directory } = server.services
    const pool = () => userPoolOf(server, userPoolId('email'))
    const change = (user: User, to: object) => domain.store.users.update(pool().id, user.sub, to, domain.clock.now())
    await haveAccount(server, { username: 'own@example.com', password: goodPassword })
    await disableUser(domain, await haveAccount(server, { username: 'disabled@example.com', password: goodPassword }))
    await change(await haveAccount(server, { username: 'passwordless@example.com', password: goodPassword }), {
      passwordHash: null,
    })
    const rows = [
      { email: 'bcrypt@example.com', PasswordHash: await hashesOf.bcrypt(goodPassword) },
      { email: 'argon2@example.com', PasswordHash: await hashesOf.argon2(goodPassword) },
      { email: 'reset@example.com', email_verified: 'true' },
    ].map(({ PasswordHash, ...Attributes }, index) => ({
      row: index + 1,
      user: { Attributes, ...(PasswordHash === undefined ? {} : { PasswordHash }) },
    }))
    await domain.store.userImports.start(pool().id, 'file', domain.clock.now())
    await importBatch(domain, pool(), rows, { fileHash: 'file', from: 0 })
    await directory.refresh()
    const appClient = (await directory.get(pool().id))?.appClients.get('email')
    if (appClient === undefined) throw new Error('there is no client')
    const names = ['nobody', 'own', 'disabled', 'passwordless', 'bcrypt', 'argon2', 'reset']
    for (const name of names) {
      work.length = 0
      const username = `${name}@example.com`
      const outcome = await signIn(domain, { userPool: pool(), appClient, username, password: 'Wrong-guess-1' })
      expect(outcome).toMatchObject({ kind: 'refused', reason: 'incorrectCredentials' })
      expect(work.toSorted(), name).toEqual(['$2b$04', '$argon2id$v=19$m=32,t=3,p=1', 'argon2id m=1024'])
    }
  } finally {
    await server.stop()
  }
})
