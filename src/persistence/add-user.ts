import { sql } from 'kysely'
import type { Kysely } from 'kysely'
import type { NewUser, UserIdentifier } from '../domain/ports/new-user.ts'
import { jsonText } from './json-text.ts'
import { inTransaction } from './rows.ts'
import type { Schema } from './schema.ts'

/**
 * Adds a user with all sign-in names, or nothing. One statement does it unless another transaction takes one of the
 * names at the same moment: then that statement waits for it, inserts what is left, and the user is removed again in the
 * same transaction. A conflict is never an error, which would spoil the caller's transaction.
 */
export function addUser(db: Kysely<Schema>, user: NewUser): Promise<UserIdentifier['kind'] | undefined> {
  const identifiers = distinctKeys(user.identifiers)
  return inTransaction(db, async (trx) => {
    const held = await heldIdentifier(trx, user.userPoolId, identifiers)
    if (held !== undefined) return held
    const claimed = await insertUser(trx, user, identifiers)
    const lost = identifiers.find(({ key }) => !claimed.has(key))
    if (lost === undefined) return undefined
    await trx.deleteFrom('users').where('user_pool_id', '=', user.userPoolId).where('sub', '=', user.sub).execute()
    return lost.kind
  })
}

/** One's own user name may equal one's own e-mail address: the first one counts. */
function distinctKeys(identifiers: readonly UserIdentifier[]): readonly UserIdentifier[] {
  return identifiers.filter(({ key }, index) => identifiers.findIndex((other) => other.key === key) === index)
}

async function heldIdentifier(
  trx: Kysely<Schema>,
  userPoolId: string,
  identifiers: readonly UserIdentifier[],
): Promise<UserIdentifier['kind'] | undefined> {
  const rows = await trx
    .selectFrom('user_identifiers')
    .select('key')
    .where('user_pool_id', '=', userPoolId)
    .where('key', '=', sql<never>`any(${identifiers.map(({ key }) => key)}::text[])`)
    .execute()
  return identifiers.find(({ key }) => rows.some((row) => row.key === key))?.kind
}

/** @returns the keys that are the user's now */
async function insertUser(
  trx: Kysely<Schema>,
  user: NewUser,
  identifiers: readonly UserIdentifier[],
): Promise<ReadonlySet<string>> {
  const rows = await trx
    .with('added', (part) => part.insertInto('users').values(userRow(user)).returning('sub'))
    .insertInto('user_identifiers')
    .columns(['user_pool_id', 'key', 'kind', 'user_sub'])
    .expression((eb) =>
      eb
        .selectFrom('added')
        .innerJoin(wantedIdentifiers(identifiers), (join) => join.onTrue())
        .select([sql<string>`${user.userPoolId}::text`.as('user_pool_id'), 'wanted.key', 'wanted.kind', 'added.sub'])
        // Everybody takes names in one order, so that two additions never wait for each other.
        .orderBy('wanted.key'),
    )
    .onConflict((conflict) => conflict.columns(['user_pool_id', 'key']).doNothing())
    .returning('key')
    .execute()
  return new Set(rows.map(({ key }) => key))
}

const wantedIdentifiers = (identifiers: readonly UserIdentifier[]) => {
  const keys = identifiers.map(({ key }) => key)
  const kinds = identifiers.map(({ kind }) => kind)
  return sql<UserIdentifier>`(select * from unnest(${keys}::text[], ${kinds}::text[]) as given (key, kind))`.as(
    'wanted',
  )
}

function userRow(user: NewUser) {
  const username = user.identifiers.find(({ kind }) => kind === 'username')
  return {
    user_pool_id: user.userPoolId,
    sub: user.sub,
    username: user.username,
    username_key: username?.key ?? user.username,
    status: user.status,
    enabled: user.enabled,
    attributes: jsonText(user.attributes),
    password_hash: user.passwordHash ?? null,
    password_form: user.passwordForm ?? null,
    temporary_password_expires_at: user.temporaryPasswordExpiresAt ?? null,
    signed_out_at: user.signedOutAt ?? null,
    mfa_types: user.mfaTypes ?? [],
    preferred_mfa: user.preferredMfa ?? null,
    has_passkeys: user.hasPasskeys ?? false,
    identities: user.identities === undefined ? null : jsonText(user.identities),
    created_at: user.createdAt,
    updated_at: user.updatedAt,
  }
}
