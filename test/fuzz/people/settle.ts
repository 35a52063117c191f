import { sql } from 'kysely'
import { pagePaths } from '../../../src/hosted/paths.ts'
import { sha256 } from '../../../src/security/digest.ts'
import { pathIn, prove } from './judge.ts'
import type { Allowed, Change } from './judge.ts'
import { accountsOf, cookieOf, fail, forget, nowOf } from './world.ts'
import type { Account, Browser, SentRequest, UserRow, World } from './world.ts'

/* Compares the accounts and the browser's session with what the last request was allowed to change. */

/** @param exchange.allowed by the judge, or by the operator's own doing */
export async function settle(
  world: World,
  browser: Browser | undefined,
  exchange: { allowed: readonly Allowed[]; request?: SentRequest; status?: number; sessionBefore?: string | undefined },
): Promise<void> {
  const rows = await readRows(world)
  for (const account of accountsOf(world)) {
    const allowed = exchange.allowed.find((each) => each.account === account)
    settleAccount(world, browser, account, rows.get(account.address), allowed)
  }
  if (browser === undefined) return
  await settleSession(world, browser)
  const { request, status = 0, sessionBefore } = exchange
  const isLogout = request !== undefined && pathIn(world, new URL(request.url)) === pagePaths.logout && status < 400
  if (isLogout && sessionBefore !== undefined && (await userOfSession(world, sessionBefore)) !== undefined) {
    fail(world, 'a session lives on behind its sign-out')
  }
}

async function readRows(world: World): Promise<ReadonlyMap<string, UserRow>> {
  const email = sql<string>`attributes ->> 'email'`
  const rows = await world.server.services.database.kysely
    .selectFrom('users')
    .select(['sub', 'status', 'enabled', 'password_hash', 'signed_out_at', 'created_at', email.as('email')])
    .select(sql<string | null>`attributes ->> 'email_verified'`.as('verified'))
    .where('user_pool_id', '=', world.pool.id)
    .where(
      email,
      'in',
      accountsOf(world).map(({ address }) => address),
    )
    .execute()
  const found = new Map<string, UserRow>()
  for (const row of rows) {
    if (found.has(row.email)) fail(world, `two users have the address ${row.email}`)
    found.set(row.email, {
      sub: row.sub,
      status: row.status,
      enabled: row.enabled,
      passwordHash: row.password_hash,
      signedOutAt: row.signed_out_at?.getTime(),
      verified: row.verified === 'true',
      createdAt: row.created_at.getTime() / 1000,
    })
  }
  return found
}

function changesBetween(before: UserRow | undefined, after: UserRow | undefined): readonly Change[] {
  if (before === undefined) return after === undefined ? [] : ['create']
  if (after === undefined) return ['delete']
  if (before.sub !== after.sub) return ['replace']
  const changes: Change[] = []
  if (before.passwordHash !== after.passwordHash) changes.push('password')
  if (before.status !== after.status) changes.push(after.status === 'CONFIRMED' ? 'confirm' : 'status')
  if (before.enabled !== after.enabled) changes.push('enabled')
  if (before.signedOutAt !== after.signedOutAt) changes.push('signOut')
  if (before.verified !== after.verified) changes.push('verify')
  return changes
}

function settleAccount(
  world: World,
  browser: Browser | undefined,
  account: Account,
  after: UserRow | undefined,
  allowed: Allowed | undefined,
): void {
  const before = account.row
  const changes = changesBetween(before, after)
  for (const change of changes) {
    if (allowed?.changes.includes(change) === true || isSweptAway(world, before, change)) continue
    fail(world, `${change} of ${account.name}'s account without its proof`)
  }
  account.row = after
  if (changes.length === 0) return
  if (before !== undefined && changes.some((change) => endings.has(change))) forget(world, before.sub)
  if (changes.some((change) => change === 'create' || change === 'replace' || change === 'password')) {
    if (account.password !== undefined) account.formerPasswords.push(account.password)
    account.password = allowed?.password
  }
  if (after === undefined || allowed === undefined) return
  const isNew = changes.includes('create') || changes.includes('replace')
  if (isNew && allowed.flow !== undefined) settleSignUp(world, allowed.flow, after)
  if (allowed.mail !== undefined) allowed.mail.spent = true
  if (allowed.proves !== undefined && browser !== undefined) prove(world, browser, allowed.proves, after.sub)
  if (changes.includes('signOut') && changes.includes('password')) world.tally.resets += 1
  if (changes.includes('confirm')) world.tally.confirmed += 1
}

/** After these nothing that began before counts any more. */
const endings: ReadonlySet<Change> = new Set(['delete', 'replace', 'enabled', 'signOut'])

/** A sign-up that nobody confirmed goes after a day. */
const isSweptAway = (world: World, before: UserRow | undefined, change: Change): boolean =>
  change === 'delete' && before?.status === 'UNCONFIRMED' && nowOf(world) > before.createdAt + 24 * 3600

function settleSignUp(world: World, flow: NonNullable<Allowed['flow']>, after: UserRow): void {
  if (after.status !== 'UNCONFIRMED' || after.verified || !after.enabled)
    fail(world, 'a sign-up begins with more than it has proved')
  flow.signUps.add(after.sub)
  world.tally.signedUp += 1
}

async function userOfSession(world: World, cookie: string): Promise<string | undefined> {
  const { store, clock } = world.server.services.domain
  return (await store.browserSessions.find(world.pool.id, sha256(cookie), clock.now()))?.userSub
}

/** Whoever is signed in has shown who they are in this browser, since whatever ended everything for them. */
async function settleSession(world: World, browser: Browser): Promise<void> {
  const cookie = cookieOf(world, browser, 'session')
  const sub = cookie === undefined ? undefined : await userOfSession(world, cookie)
  if (cookie !== undefined && sub !== undefined && sub !== browser.signedInAs) {
    const isProved = world.proofs.some((proof) => proof.browser === browser.name && proof.sub === sub)
    if (!isProved) fail(world, `${browser.name} is signed in without a proof`)
    // Threat row B16: a cookie that was there before the sign-in may be known to others.
    const owner = world.sessionOwners.get(cookie)
    if (owner !== undefined && owner !== sub) fail(world, 'a session has gone over to another user')
    world.sessionOwners.set(cookie, sub)
    world.tally.sessions += 1
  }
  browser.signedInAs = sub
}
