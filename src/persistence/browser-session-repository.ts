import { sql } from 'kysely'
import type { Kysely, SqlBool } from 'kysely'
import type { BrowserSessionRepository } from '../domain/ports/browser-session-repository.ts'
import type { BrowserSession, SignedInBrowser } from '../domain/sessions/browser-session.ts'
import { jsonText } from './json-text.ts'
import { present, presentOrNone } from './rows.ts'
import type { Schema } from './schema.ts'

export const browserSessionRepository = (db: Kysely<Schema>): BrowserSessionRepository => ({
  async find(userPoolId, idHash, at) {
    const row = await selectLive(db, userPoolId, at).where('session.id_hash', '=', idHash).executeTakeFirst()
    return presentOrNone(row)
  },
  async findByUid(userPoolId, uid, at) {
    const row = await selectLive(db, userPoolId, at).where('session.uid', '=', uid).executeTakeFirst()
    return presentOrNone(row)
  },
  save: (session, from) => saveSession(db, session, from),
  async update(session) {
    const updated = await db
      .updateTable('browser_sessions')
      .set(sessionRow(session))
      .where('user_pool_id', '=', session.userPoolId)
      .where('id_hash', '=', session.idHash)
      .executeTakeFirst()
    return updated.numUpdatedRows > 0n
  },
  async delete(userPoolId, idHash) {
    const deleted = await db
      .deleteFrom('browser_sessions')
      .where('user_pool_id', '=', userPoolId)
      .where('id_hash', '=', idHash)
      .executeTakeFirst()
    return deleted.numDeletedRows > 0n
  },
  async end(userPoolId, idHash) {
    const ended = await db
      .deleteFrom('browser_sessions')
      .where('user_pool_id', '=', userPoolId)
      .where('id_hash', '=', idHash)
      .returning('user_sub as userSub')
      .executeTakeFirst()
    return presentOrNone(ended)
  },
  ofUser: (userPoolId, userSub, at) => sessionsOfUser(db, userPoolId, userSub, at),
  async endOfUser(userPoolId, userSub, uid) {
    const deleted = await db
      .deleteFrom('browser_sessions')
      .where('user_pool_id', '=', userPoolId)
      .where('user_sub', '=', userSub)
      .where('uid', '=', uid)
      .executeTakeFirst()
    return deleted.numDeletedRows > 0n
  },
  async deleteOfUser(userPoolId, userSub, exceptUid) {
    const deleted = await db
      .deleteFrom('browser_sessions')
      .where('user_pool_id', '=', userPoolId)
      .where('user_sub', '=', userSub)
      .$if(exceptUid !== undefined, (query) => query.where('uid', '!=', exceptUid ?? ''))
      .executeTakeFirst()
    return Number(deleted.numDeletedRows)
  },
  async deleteAll(userPoolId) {
    const deleted = await db.deleteFrom('browser_sessions').where('user_pool_id', '=', userPoolId).executeTakeFirst()
    return Number(deleted.numDeletedRows)
  },
})

async function sessionsOfUser(
  db: Kysely<Schema>,
  userPoolId: string,
  userSub: string,
  at: Date,
): Promise<readonly SignedInBrowser[]> {
  const rows = await selectLive(db, userPoolId, at)
    .select(['session.address', 'session.user_agent as userAgent'])
    .where('session.user_sub', '=', userSub)
    .orderBy('session.auth_time', 'desc')
    .orderBy('session.uid')
    .execute()
  return rows.map((row) => {
    const { authTime = new Date(0), ...session } = present(row)
    return { ...session, authTime }
  })
}

/** Sessions that have not expired and, where somebody is signed in, whose user still may be. */
function selectLive(db: Kysely<Schema>, userPoolId: string, at: Date) {
  return db
    .selectFrom('browser_sessions as session')
    .leftJoin('users', (join) =>
      join.onRef('users.user_pool_id', '=', 'session.user_pool_id').onRef('users.sub', '=', 'session.user_sub'),
    )
    .select(['session.id_hash as idHash', 'session.uid', 'session.user_pool_id as userPoolId'])
    .select(['session.user_sub as userSub', 'session.auth_time as authTime', 'session.amr', 'session.acr'])
    .select(['session.authorizations', 'session.transient', 'session.remembered'])
    .select(['session.last_used_at as lastUsedAt', 'session.expires_at as expiresAt'])
    .where('session.user_pool_id', '=', userPoolId)
    .where('session.expires_at', '>', at)
    .where((eb) =>
      eb.or([
        eb('session.user_sub', 'is', null),
        eb.and([
          eb('users.enabled', '=', true),
          eb('users.status', 'in', ['CONFIRMED', 'EXTERNAL_PROVIDER']),
          eb.or([eb('users.signed_out_at', 'is', null), begunSinceSignOut]),
        ]),
      ]),
    )
}

/**
 * An authentication time is a number of whole seconds (OpenID Connect Core §2), so the sign-out is cut to seconds too:
 * else the session that follows a password reset, which signs out everywhere else, would be dead from the start.
 */
const begunSinceSignOut = sql<SqlBool>`session.auth_time >= date_trunc('second', users.signed_out_at)`

const sessionRow = (session: BrowserSession) => ({
  id_hash: session.idHash,
  user_sub: session.userSub ?? null,
  auth_time: session.authTime ?? null,
  amr: session.amr,
  acr: session.acr ?? null,
  authorizations: jsonText(session.authorizations),
  transient: session.transient,
  remembered: session.remembered,
  last_used_at: session.lastUsedAt ?? null,
  expires_at: session.expiresAt,
})

/** The uid is the session's identity: when the cookie's value changes, the row is found by no other value any more. */
async function saveSession(
  db: Kysely<Schema>,
  session: BrowserSession,
  { address, userAgent }: Pick<SignedInBrowser, 'address' | 'userAgent'> = {},
): Promise<void> {
  const row = { ...sessionRow(session), address: address ?? null, user_agent: userAgent ?? null }
  await db
    .insertInto('browser_sessions')
    .values({ ...row, user_pool_id: session.userPoolId, uid: session.uid })
    .onConflict((conflict) => conflict.columns(['user_pool_id', 'uid']).doUpdateSet(row))
    .execute()
}
