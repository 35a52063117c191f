import { createUser } from '../../../src/domain/users/administer-user.ts'
import type { User } from '../../../src/domain/users/user.ts'
import { haveAccount, userPoolOf } from '../../support/accounts.ts'
import type { MovableClock } from '../../support/movable-clock.ts'
import { goodPassword, poolIds } from '../server-under-test.ts'
import type { ServerUnderTest } from '../server-under-test.ts'
import { settle } from './settle.ts'
import { accountNames, accountsOf } from './world.ts'
import type { Account, AccountName, Browser, BrowserName, Tally, World } from './world.ts'

export type WorldKind = 'codes' | 'links'

/** Makes a world for each run, on one server: accounts of its own, under new addresses. */
export interface Worlds {
  begin(kind: WorldKind, tally: Tally): Promise<World>
  end(world: World): Promise<void>
}

export async function createWorlds(server: ServerUnderTest, clock: MovableClock): Promise<Worlds> {
  // Hashed once: a run is about what comes after.
  const { passwordHash = '' } = await haveAccount(server, { username: 'model@example.com', password: goodPassword })
  const { store } = server.services.domain
  await store.users.delete(
    poolIds.codes,
    (await store.users.findByIdentifier(poolIds.codes, 'model@example.com'))?.sub ?? '',
  )
  let runs = 0
  return {
    async begin(kind, tally) {
      runs += 1
      const world = emptyWorld(server, clock, kind, runs, tally)
      await addAccount(world, world.accounts.ana, passwordHash, true)
      await addAccount(world, world.accounts.ben, passwordHash, true)
      await addAccount(world, world.accounts.cas, passwordHash, false)
      const allowed = accountsOf(world).map((account) => ({
        account,
        changes: ['create'] as const,
        password: goodPassword,
      }))
      await settle(world, undefined, { allowed })
      return world
    },
    async end(world) {
      for (const { row } of accountsOf(world)) if (row !== undefined) await store.users.delete(world.pool.id, row.sub)
    },
  }
}

async function addAccount(world: World, account: Account, passwordHash: string, permanent: boolean): Promise<User> {
  const userPool = userPoolOf(world.server, world.pool.id)
  const attributes = { email_verified: 'true' }
  const made = await createUser(world.server.services.domain, {
    userPool,
    username: account.address,
    attributes,
    passwordHash,
    permanent,
  })
  if (made.kind !== 'done') throw new Error(`${account.address} could not be made`)
  return made.user
}

function emptyWorld(server: ServerUnderTest, clock: MovableClock, kind: WorldKind, run: number, tally: Tally): World {
  const id = poolIds[kind]
  const byPath = `${server.publicUrl}/${poolIds.links}`
  const bases = kind === 'codes' ? [server.publicUrl, byPath] : [byPath, server.publicUrl]
  const [base = '', otherBase = ''] = bases
  const accounts = Object.fromEntries(accountNames.map((name) => [name, newAccount(name, run)]))
  server.errors.length = 0
  return {
    server,
    clock,
    pool: { id, base, byLink: kind === 'links' },
    otherBase,
    accounts: accounts as Record<AccountName, Account>,
    browsers: { owner: newBrowser('owner'), stranger: newBrowser('stranger') },
    authorizations: new Map(),
    resumed: new Map(),
    flows: new Map(),
    forms: new Map(),
    proofs: [],
    consents: new Set(),
    sessionOwners: new Map(),
    mails: [],
    seenMails: new Set(),
    codes: [],
    families: [],
    sent: [],
    story: [],
    tally,
  }
}

const newAccount = (name: AccountName, run: number): Account => ({
  name,
  address: `${name}-${run}@example.com`,
  password: undefined,
  formerPasswords: [],
  row: undefined,
})

const newBrowser = (name: BrowserName): Browser => ({
  name,
  cookies: new Map(),
  tabs: [
    { page: undefined, former: [] },
    { page: undefined, former: [] },
  ],
  signedInAs: undefined,
})
