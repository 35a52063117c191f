import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import type { AuditPageRequest } from '../../src/domain/ports/audit-trail-repository.ts'
import type { Store } from '../../src/domain/ports/store.ts'
import { openDatabase } from '../../src/persistence/database.ts'
import type { Database } from '../../src/persistence/database.ts'
import { migrate } from '../../src/persistence/migrate.ts'
import { createStore } from '../../src/persistence/store.ts'
import { createDatabase } from '../support/postgres.ts'
import type { TestDatabase } from '../support/postgres.ts'
import { log } from './databases.ts'
import { addUserPool, auditEvent, grantOf, newUser, now } from './records.ts'

/*
 * A prepared statement keeps the plan that it got on empty tables until statistics are gathered, and that may be a
 * minute of heavy traffic away. So the plans are looked at on an empty database, where every index looks as good as any
 * other. Left out is what runs seldom or reads little: settings, housekeeping, taking from the outbox, linking audit events.
 */
let created: TestDatabase
let database: Database
let store: Store
beforeAll(async () => {
  created = await createDatabase(inject('postgresUrl'))
  // One connection: what it has prepared is what we ask about.
  database = await openDatabase({ databaseUrl: created.url, dataDir: '', log, poolSize: 1 })
  await migrate(database, { log })
  store = createStore(database)
  await sql`set plan_cache_mode = force_generic_plan`.execute(database.kysely)
})
afterAll(async () => {
  await database.close()
  await created.drop()
})

/** The plans, as they will be kept, of the statements that the call prepares. */
async function plansOf(call: () => Promise<unknown>): Promise<string[]> {
  const prepared = async () =>
    sql<{ name: string; parameters: number }>`
      select name, cardinality(parameter_types) as parameters from pg_prepared_statements
    `.execute(database.kysely)
  const before = new Set((await prepared()).rows.map(({ name }) => name))
  await call()
  const added = (await prepared()).rows.filter(({ name }) => !before.has(name))
  const plans: string[] = []
  for (const { name, parameters } of added) {
    const nulls = Array<string>(parameters).fill('null').join(', ')
    const plan = await sql<{ 'QUERY PLAN': string }>`explain execute ${sql.ref(name)} (${sql.raw(nulls)})`.execute(
      database.kysely,
    )
    plans.push(plan.rows.map((row) => row['QUERY PLAN']).join('\n'))
  }
  return plans
}

const grant = grantOf(newUser('pool', 'user'))
const event = auditEvent('pool')
const change = { attributes: { name: 'x' }, onlyFrom: ['CONFIRMED'] } as const
const lockOut = { firstLockingFailure: 5, maximumSeconds: 900, failuresPerDay: 20 }
const codeTry = { purpose: 'reset' as const, codeHash: 'h', at: now }
const attempt = { challenge: 'SELECT_MFA_TYPE', codeHash: 'h' } as const
const ofSub = { userPoolId: 'pool', userSub: 'sub' }
const softwareToken = { ...ofSub, id: 'id' }
const batch = {
  userPoolId: 'pool',
  number: 1,
  firstSequence: 1,
  lastSequence: 1,
  lastAt: now,
  linkedAt: now,
  digest: 'd',
}

test.each<[string, () => Promise<unknown>]>([
  ['users.findBySub', () => store.users.findBySub('pool', 'sub')],
  ['users.findByIdentifier', () => store.users.findByIdentifier('pool', 'key')],
  ['decoySignUps.find', () => store.decoySignUps.find('pool', 'key')],
  ['decoySignUps.findBySub', () => store.decoySignUps.findBySub('pool', 'sub')],
  ['decoySignUps.setPassword', () => store.decoySignUps.setPassword('pool', 'sub', 'h')],
  ['decoySignUps.delete', () => store.decoySignUps.delete('pool', 'sub')],
  ['users.page', () => store.users.page({ userPoolId: 'pool', limit: 10, after: 'a' })],
  ['users.page by status', () => store.users.page({ userPoolId: 'pool', limit: 10, status: 'CONFIRMED' })],
  ['users.update', () => store.users.update('pool', 'sub', change, now)],
  ['users.claimIdentifier', () => store.users.claimIdentifier('pool', 'sub', { kind: 'email', key: 'a' })],
  ['users.delete', () => store.users.delete('pool', 'sub')],
  ['users.replacePasswordHash', () => store.users.replacePasswordHash('pool', 'sub', 'h', 'i')],
  ['userImports.find', () => store.userImports.find('pool', 'hash')],
  ['userImports.finish', () => store.userImports.finish('pool', 'hash', now)],
  ['userImports.holders', () => store.userImports.holders('pool', ['a', 'b'], ['c', 'd'])],
  ['userImports.deleteUnconfirmed', () => store.userImports.deleteUnconfirmed('pool', ['a', 'b'])],
  ['userImports.belongings', () => store.userImports.belongings('pool', ['a', 'b'])],
  ['groups.ofUser', () => store.groups.ofUser('pool', 'sub')],
  ['attributeChanges.ofUser', () => store.attributeChanges.ofUser('pool', 'sub', now)],
  ['verificationCodes.findLink', () => store.verificationCodes.findLink('pool', 'sub')],
  ['verificationCodes.find', () => store.verificationCodes.find('pool', 'sub', 'reset')],
  [
    'verificationCodes.attempt',
    () => store.verificationCodes.attempt({ userPoolId: 'pool', userSub: 's', ...codeTry }),
  ],
  ['verificationCodes.delete', () => store.verificationCodes.delete('pool', 'sub', ['reset'])],
  ['customSignIns.find', () => store.customSignIns.find('pool', 'id', now)],
  ['customSignIns.spend', () => store.customSignIns.spend('pool', 'id', now)],
  ['signInAttempts.find', () => store.signInAttempts.find('pool', 'id', now)],
  [
    'signInAttempts.change',
    () =>
      store.signInAttempts.change({ userPoolId: 'pool', idHash: 'id', from: 'MFA_SETUP', change: attempt, at: now }),
  ],
  ['softwareTokens.ofUser', () => store.softwareTokens.ofUser('pool', 'sub')],
  ['softwareTokens.useTimeStep', () => store.softwareTokens.useTimeStep(softwareToken, 2, now)],
  ['softwareTokens.delete', () => store.softwareTokens.delete('pool', 'sub', ['a', 'b'])],
  ['softwareTokens.deleteOfUser', () => store.softwareTokens.deleteOfUser('pool', 'sub')],
  ['recoveryCodes.count', () => store.recoveryCodes.count('pool', 'sub')],
  ['recoveryCodes.spend', () => store.recoveryCodes.spend('pool', 'sub', 'hash')],
  ['knownBrowsers.any', () => store.knownBrowsers.any('pool', 'sub')],
  ['devices.use', () => store.devices.use({ ...ofSub, secretHashes: ['h'], address: undefined, at: now })],
  ['devices.ofUser', () => store.devices.ofUser('pool', 'sub', now)],
  ['devices.forget', () => store.devices.forget({ ...ofSub, deviceKey: 'key' })],
  ['devices.forgetOfUser', () => store.devices.forgetOfUser('pool', 'sub')],
  ['identities.find', () => store.identities.find('pool', { providerName: 'A', issuer: 'i', userId: 'u' })],
  [
    'identities.release',
    () => store.identities.release('pool', 'sub', { providerName: 'A', issuer: 'i', userId: 'u' }),
  ],
  ['passkeys.find', () => store.passkeys.find('pool', 'id')],
  ['passkeys.ofUser', () => store.passkeys.ofUser('pool', 'sub')],
  ['passkeys.use', () => store.passkeys.use(softwareToken, 2, now)],
  ['passkeys.rename', () => store.passkeys.rename({ ...softwareToken, name: 'x' })],
  ['passkeys.delete', () => store.passkeys.delete(softwareToken)],
  ['passkeys.deleteOfUser', () => store.passkeys.deleteOfUser('pool', 'sub')],
  ['signInAttempts.spend', () => store.signInAttempts.spend('pool', 'id', now)],
  ['guesses.lockedUntil', () => store.guesses.lockedUntil('pool', ['a', 'b'], now)],
  ['guesses.clear', () => store.guesses.clear('pool', ['a', 'b'])],
  ['guesses.takeBack', () => store.guesses.takeBack({ userPoolId: 'pool', buckets: ['a', 'b'], lockOut })],
  ['flows.find', () => store.flows.find('pool', 'id', now)],
  ['flows.saveState', () => store.flows.saveState('pool', 'id', { request: {}, chosen: 'login' })],
  ['flows.finish', () => store.flows.finish('pool', 'id', now)],
  ['browserSessions.find', () => store.browserSessions.find('pool', 'id', now)],
  ['browserSessions.findByUid', () => store.browserSessions.findByUid('pool', 'uid', now)],
  ['browserSessions.delete', () => store.browserSessions.delete('pool', 'id')],
  ['browserSessions.deleteOfUser', () => store.browserSessions.deleteOfUser('pool', 'sub')],
  ['browserSessions.ofUser', () => store.browserSessions.ofUser('pool', 'sub', now)],
  ['browserSessions.endOfUser', () => store.browserSessions.endOfUser('pool', 'sub', 'uid')],
  ['interactions.find', () => store.interactions.find('pool', 'id', now)],
  ['interactions.delete', () => store.interactions.delete('pool', 'id')],
  ['grants.findCode', () => store.grants.findCode('pool', 'hash')],
  [
    'grants.redeemCode',
    () => store.grants.redeemCode({ userPoolId: 'pool', codeHash: 'h', grant, refreshTokenHash: 'r', event, at: now }),
  ],
  ['grants.findRefreshToken', () => store.grants.findRefreshToken('pool', 'hash')],
  ['grants.rotate', () => store.grants.rotate({ userPoolId: 'pool', tokenHash: 'h', successorHash: 's', at: now })],
  ['grants.revoke', () => store.grants.revoke('pool', 'grant', now)],
  ['grants.revokeOfUser', () => store.grants.revokeOfUser('pool', 'sub', now)],
  ['grants.revokeOfSession', () => store.grants.revokeOfSession('pool', 'sub', 'uid', now)],
  ['grants.ofUser', () => store.grants.ofUser('pool', 'sub', now)],
  ['grants.findSubject', () => store.grants.findSubject('pool', 'sub', 'grant')],
  ['consents.find', () => store.consents.find('pool', 'sub', 'client')],
  ['consents.ofUser', () => store.consents.ofUser('pool', 'sub')],
  ['consents.withdraw', () => store.consents.withdraw('pool', 'sub', 'client', now)],
  ['users.findAll', () => store.users.findAll('pool', ['a', 'b'])],
  ['auditTrail.hasWaiting', () => store.auditTrail.hasWaiting()],
  ['auditTrail.waiting', () => store.auditTrail.waiting(10)],
  ['auditTrail.batches', () => store.auditTrail.batches('pool', 1, 10)],
  ['auditTrail.events', () => store.auditTrail.events('pool', 1, 10)],
  ['auditTrail.behind', () => store.auditTrail.behind('pool', 1, 10)],
  [
    'eventDeliveries.lease',
    () => store.eventDeliveries.lease({ userPoolId: 'pool', name: 'n' }, { id: 'l', until: now, at: now }),
  ],
  ['eventDeliveries.rewind', () => store.eventDeliveries.rewind({ userPoolId: 'pool', name: 'n', sequence: 1 }, now)],
  ['auditTrail.repeated', () => store.auditTrail.repeated('pool', 1, 10)],
  ['auditTrail.outside', () => store.auditTrail.outside('pool', 1, 10)],
  ['auditTrail.deleteThrough', () => store.auditTrail.deleteThrough(batch)],
  ['outbox.markSent', () => store.outbox.markSent('id', now)],
  ['outbox.deadLetters', () => store.outbox.deadLetters(10)],
  ['outbox.nextDueAt', () => store.outbox.nextDueAt()],
])('%s goes by a whole key', async (_, call) => {
  const plans = await plansOf(call)
  expect(plans.length).toBeGreaterThan(0)
  for (const plan of plans) {
    expect(plan).not.toContain('Seq Scan')
    expect(plan).not.toContain('Join Filter')
    expect(plan).not.toMatch(/Index Cond: \(\(?user_pool_id = [^()]+\)$/m)
  }
})

/* Read by people, page by page: what matters is that a long trail is read through the index of what is asked for. */
describe('pages of a long audit trail', () => {
  beforeAll(async () => {
    await sql`
      insert into audit_events (sequence, id, user_pool_id, at, event_type, response, subject, client_id, actor, address, digest)
      select n, n::text, 'pool', ${now}::timestamptz + n * interval '1 second', 'Type' || n % 40,
        case when n % 30 = 0 then 'Fail' else 'Pass' end, 'sub' || n % 500, 'client' || n % 50, 'user', '192.0.2.' || n % 200, 'd'
      from generate_series(1, 20000) as n`.execute(database.kysely)
    await sql`analyze audit_events`.execute(database.kysely)
  })

  test.each<[string, Partial<AuditPageRequest>, string]>([
    ['all', {}, 'audit_events_at'],
    ['all, oldest first', { oldestFirst: true }, 'audit_events_at'],
    ['the next', { after: { at: now, sequence: 9 } }, 'audit_events_at'],
    ['some time', { from: now, to: now }, 'audit_events_at'],
    ['a user', { subjects: ['sub1', 'name:x'] }, 'audit_events_subject'],
    ['a type', { eventTypes: ['SignIn'] }, 'audit_events_type'],
    ['failures', { response: 'Fail' }, 'audit_events_failed'],
    ['a client', { clientId: 'client1' }, 'audit_events_client_id'],
    ['an address', { address: '192.0.2.1' }, 'audit_events_address'],
  ])('%s: by the index for it', async (_, filters, index) => {
    const request = { userPoolId: 'pool', limit: 60, oldestFirst: false, ...filters }
    const [plan = ''] = await plansOf(() => store.auditTrail.page(request))
    expect(plan).toContain(index)
    expect(plan).not.toContain('Seq Scan')
    expect(plan).not.toContain('Sort')
  })
})

test.each([
  ['all', {}, 'trigger_invocations_newest'],
  ['one trigger', { trigger: 'PreSignUp' }, 'trigger_invocations_of_trigger'],
])('invocations of %s: the newest, by the index for it', async (_, filter, index) => {
  const pools = await Promise.all(Array.from({ length: 60 }, () => addUserPool(store)))
  const [userPoolId = ''] = pools
  await sql`
    insert into trigger_invocations (id, user_pool_id, at, trigger, source, duration_ms, attempts, outcome, event)
    select gen_random_uuid()::text, (${pools}::text[])[1 + n % 60], ${now}::timestamptz + (n * 7919 % 20000) * interval '1 second', 'Trigger' || n % 8, 's', 1, 1, 'Pass', '{}'
    from generate_series(1, 20000) as n`.execute(database.kysely)
  await sql`analyze trigger_invocations`.execute(database.kysely)
  const [plan = ''] = await plansOf(() => store.triggerInvocations.page({ userPoolId, limit: 20, ...filter }))
  expect(plan).toContain(index)
  expect(plan).not.toContain('Sort')
})
