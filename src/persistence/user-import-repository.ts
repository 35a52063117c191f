import { sql } from 'kysely'
import type { Kysely } from 'kysely'
import type {
  ImportedUser,
  NameHolder,
  UserImport,
  UserImportRepository,
} from '../domain/ports/user-import-repository.ts'
import { jsonText } from './json-text.ts'
import { presentOrNone } from './rows.ts'
import type { Schema } from './schema.ts'
import { userBelongings } from './user-belongings.ts'

/* Many users at once: each kind of row goes to the database as one JSON text, however many there are. */

export const userImportRepository = (db: Kysely<Schema>): UserImportRepository => ({
  find: (userPoolId, fileHash) => findImport(db, userPoolId, fileHash),
  async start(userPoolId, fileHash, at) {
    const fresh = { rows_done: 0, imported: 0, refused: 0, latest_refused: '[]', started_at: at, finished_at: null }
    await db
      .insertInto('user_imports')
      .values({ user_pool_id: userPoolId, file_hash: fileHash, ...fresh })
      .onConflict((conflict) => conflict.columns(['file_hash', 'user_pool_id']).doUpdateSet(fresh))
      .execute()
  },
  async advance({ userPoolId, fileHash, from, rowsDone, imported, refused, latestRefused }) {
    const { numUpdatedRows } = await db
      .updateTable('user_imports')
      .set({ rows_done: rowsDone, imported, refused, latest_refused: jsonText(latestRefused) })
      .where('user_pool_id', '=', userPoolId)
      .where('file_hash', '=', fileHash)
      .where('rows_done', '=', from)
      .executeTakeFirst()
    return numUpdatedRows > 0n
  },
  async finish(userPoolId, fileHash, at) {
    await db
      .updateTable('user_imports')
      .set({ finished_at: at })
      .where('user_pool_id', '=', userPoolId)
      .where('file_hash', '=', fileHash)
      .execute()
  },
  holders: (userPoolId, keys, subs) => holders(db, userPoolId, keys, subs),
  async deleteUnconfirmed(userPoolId, subs) {
    await db
      .deleteFrom('users')
      .where('user_pool_id', '=', userPoolId)
      .where('sub', '=', sql<never>`any(${[...subs]}::text[])`)
      .where('status', '=', 'UNCONFIRMED')
      .execute()
  },
  async add(userPoolId, users, at) {
    await insertUsers(db, userPoolId, users)
    const lost = new Set([
      ...(await claimNames(db, userPoolId, users)),
      ...(await claimIdentities(db, userPoolId, users)),
    ])
    if (lost.size > 0) {
      await sql`delete from users where user_pool_id = ${userPoolId} and sub = any(${[...lost]}::text[])`.execute(db)
    }
    const added = users.filter(({ user }) => !lost.has(user.sub))
    await insertMemberships(db, userPoolId, added, at)
    await insertSoftwareTokens(db, userPoolId, added)
    await insertPasskeys(db, userPoolId, added)
    return lost
  },
  belongings: (userPoolId, subs) => userBelongings(db, userPoolId, subs),
})

async function findImport(db: Kysely<Schema>, userPoolId: string, fileHash: string): Promise<UserImport | undefined> {
  const row = await db
    .selectFrom('user_imports')
    .select(['user_pool_id as userPoolId', 'file_hash as fileHash', 'rows_done as rowsDone', 'imported', 'refused'])
    .select(['latest_refused as latestRefused', 'started_at as startedAt', 'finished_at as finishedAt'])
    .where('user_pool_id', '=', userPoolId)
    .where('file_hash', '=', fileHash)
    .executeTakeFirst()
  return presentOrNone(row)
}

async function holders(
  db: Kysely<Schema>,
  userPoolId: string,
  keys: readonly string[],
  subs: readonly string[],
): Promise<readonly NameHolder[]> {
  const asked = sql`any(${[...keys]}::text[])`
  const { rows } = await sql<NameHolder>`
    select sub, status, array(
      select key from user_identifiers
      where user_sub = users.sub and user_pool_id = ${userPoolId} and key = ${asked}) as keys
    from users
    where user_pool_id = ${userPoolId} and sub = any(${[...subs]}::text[] || array(
      select user_sub from user_identifiers where key = ${asked} and user_pool_id = ${userPoolId}))`.execute(db)
  return rows
}

async function insertUsers(db: Kysely<Schema>, userPoolId: string, users: readonly ImportedUser[]): Promise<void> {
  const rows = users.map(({ user }) => ({
    sub: user.sub,
    username: user.username,
    username_key: user.identifiers.find(({ kind }) => kind === 'username')?.key ?? user.username,
    status: user.status,
    enabled: user.enabled,
    attributes: user.attributes,
    password_hash: user.passwordHash,
    password_form: user.passwordForm,
    temporary_password_expires_at: user.temporaryPasswordExpiresAt,
    mfa_types: user.mfaTypes ?? [],
    preferred_mfa: user.preferredMfa,
    has_passkeys: user.hasPasskeys ?? false,
    identities: user.identities,
    created_at: user.createdAt,
    updated_at: user.updatedAt,
  }))
  await sql`
    insert into users (user_pool_id, sub, username, username_key, status, enabled, attributes, password_hash, password_form,
      temporary_password_expires_at, mfa_types, preferred_mfa, has_passkeys, identities, created_at, updated_at)
    select ${userPoolId}::text, given.* from jsonb_to_recordset(${jsonText(rows)}::jsonb) as given (
      sub text, username text, username_key text, status text, enabled boolean, attributes jsonb, password_hash text,
      password_form text, temporary_password_expires_at timestamptz, mfa_types text[], preferred_mfa text,
      has_passkeys boolean, identities jsonb, created_at timestamptz, updated_at timestamptz)`.execute(db)
}

/** In one order, as everybody takes them, so that nobody waits for each other. @returns whose names are somebody else's */
async function claimNames(
  db: Kysely<Schema>,
  userPoolId: string,
  users: readonly ImportedUser[],
): Promise<ReadonlySet<string>> {
  const wanted = users.flatMap(({ user }) =>
    [...new Map(user.identifiers.toReversed().map(({ key, kind }) => [key, kind]))].map(([key, kind]) => ({
      key,
      kind,
      user_sub: user.sub,
    })),
  )
  const { rows } = await sql<{ key: string }>`
    insert into user_identifiers (user_pool_id, key, kind, user_sub)
    select ${userPoolId}::text, given.* from jsonb_to_recordset(${jsonText(wanted)}::jsonb)
      as given (key text, kind text, user_sub text) order by key collate "C"
    on conflict (user_pool_id, key) do nothing returning key`.execute(db)
  const claimed = new Set(rows.map(({ key }) => key))
  return new Set(wanted.filter(({ key }) => !claimed.has(key)).map((name) => name.user_sub))
}

/** @returns whose accounts at providers are somebody else's */
async function claimIdentities(
  db: Kysely<Schema>,
  userPoolId: string,
  users: readonly ImportedUser[],
): Promise<readonly string[]> {
  const wanted = users.flatMap(({ user: { sub, identities = [] } }) =>
    identities.map(({ providerName, issuer, userId }) => ({
      provider_name: providerName,
      issuer,
      subject: userId,
      user_sub: sub,
    })),
  )
  if (wanted.length === 0) return []
  const { rows } = await sql<{ subject: string; issuer: string; name: string }>`
    insert into user_identities (user_pool_id, provider_name, issuer, subject, user_sub)
    select ${userPoolId}::text, given.* from jsonb_to_recordset(${jsonText(wanted)}::jsonb)
      as given (provider_name text, issuer text, subject text, user_sub text)
    order by subject collate "C", issuer collate "C", provider_name collate "C"
    on conflict (subject, issuer, provider_name, user_pool_id) do nothing
    returning subject, issuer, provider_name as name`.execute(db)
  const claimed = new Set(rows.map(({ subject, issuer, name }) => JSON.stringify([subject, issuer, name])))
  return wanted
    .filter(({ subject, issuer, provider_name: name }) => !claimed.has(JSON.stringify([subject, issuer, name])))
    .map(({ user_sub: sub }) => sub)
}

async function insertMemberships(
  db: Kysely<Schema>,
  userPoolId: string,
  users: readonly ImportedUser[],
  at: Date,
): Promise<void> {
  const rows = users.flatMap(({ user, groups }) => groups.map((name) => ({ user_sub: user.sub, group_name: name })))
  if (rows.length === 0) return
  await sql`
    insert into group_members (user_pool_id, created_at, user_sub, group_name)
    select ${userPoolId}::text, ${at}::timestamptz, given.* from jsonb_to_recordset(${jsonText(rows)}::jsonb)
      as given (user_sub text, group_name text)
    on conflict do nothing`.execute(db)
}

async function insertSoftwareTokens(
  db: Kysely<Schema>,
  userPoolId: string,
  users: readonly ImportedUser[],
): Promise<void> {
  const rows = users.flatMap(({ softwareTokens }) =>
    softwareTokens.map((token) => ({
      user_sub: token.userSub,
      id: token.id,
      sealed_secret: token.sealedSecret,
      last_time_step: token.lastTimeStep,
      created_at: token.createdAt,
      last_used_at: token.lastUsedAt,
    })),
  )
  if (rows.length === 0) return
  await sql`
    insert into software_tokens (user_pool_id, user_sub, id, sealed_secret, last_time_step, created_at, last_used_at)
    select ${userPoolId}::text, given.* from jsonb_to_recordset(${jsonText(rows)}::jsonb) as given (
      user_sub text, id text, sealed_secret text, last_time_step integer, created_at timestamptz,
      last_used_at timestamptz)`.execute(db)
}

/** One whose id somebody has already stays away: it is that user's. */
async function insertPasskeys(db: Kysely<Schema>, userPoolId: string, users: readonly ImportedUser[]): Promise<void> {
  const rows = users.flatMap(({ passkeys }) =>
    passkeys.map((passkey) => ({
      user_sub: passkey.userSub,
      id: passkey.id,
      rp_id: passkey.rpId,
      public_key: passkey.publicKey,
      counter: passkey.counter,
      transports: passkey.transports,
      is_platform: passkey.isPlatform,
      name: passkey.name,
      created_at: passkey.createdAt,
      last_used_at: passkey.lastUsedAt,
    })),
  )
  if (rows.length === 0) return
  await sql`
    insert into passkeys (user_pool_id, user_sub, id, rp_id, public_key, counter, transports, is_platform, name, created_at,
      last_used_at)
    select ${userPoolId}::text, given.* from jsonb_to_recordset(${jsonText(rows)}::jsonb) as given (
      user_sub text, id text, rp_id text, public_key text, counter double precision, transports text[],
      is_platform boolean, name text, created_at timestamptz, last_used_at timestamptz)
    on conflict do nothing`.execute(db)
}
