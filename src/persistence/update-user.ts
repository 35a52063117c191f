import { sql } from 'kysely'
import type { Kysely, RawBuilder } from 'kysely'
import type { UserChange } from '../domain/ports/store.ts'
import { jsonText } from './json-text.ts'
import type { Schema } from './schema.ts'

/** One statement, so that two changes of different attributes both stay. */
export async function updateUser(
  db: Kysely<Schema>,
  userPoolId: string,
  sub: string,
  change: UserChange,
  at: Date,
): Promise<boolean> {
  const { onlyFrom } = change
  let update = db
    .updateTable('users')
    .set({
      ...(change.status !== undefined && { status: change.status }),
      ...(change.enabled !== undefined && { enabled: change.enabled }),
      ...(change.attributes !== undefined && { attributes: merged(change.attributes) }),
      ...(change.passwordHash !== undefined && { password_hash: change.passwordHash, password_form: null }),
      ...(change.temporaryPasswordExpiresAt !== undefined && {
        temporary_password_expires_at: change.temporaryPasswordExpiresAt,
      }),
      ...(change.signedOutAt !== undefined && { signed_out_at: change.signedOutAt }),
      ...(change.mfaTypes !== undefined && { mfa_types: change.mfaTypes }),
      ...(change.preferredMfa !== undefined && { preferred_mfa: change.preferredMfa }),
      ...(change.hasPasskeys !== undefined && { has_passkeys: change.hasPasskeys }),
      ...(change.identities !== undefined && {
        identities: change.identities.length === 0 ? null : jsonText(change.identities),
      }),
      updated_at: at,
    })
    .where('user_pool_id', '=', userPoolId)
    .where('sub', '=', sub)
  if (onlyFrom !== undefined) update = update.where('status', '=', sql<never>`any(${[...onlyFrom]}::text[])`)
  const { numUpdatedRows } = await update.executeTakeFirst()
  return numUpdatedRows > 0n
}

export async function signOutAllUsers(db: Kysely<Schema>, userPoolId: string, at: Date): Promise<void> {
  await db.updateTable('users').set({ signed_out_at: at }).where('user_pool_id', '=', userPoolId).execute()
}

/** The stored attributes with the given ones over them, and without those that are given as null. */
function merged(attributes: Readonly<Record<string, string | null>>): RawBuilder<string> {
  const entries = Object.entries(attributes)
  const written = jsonText(Object.fromEntries(entries.filter(([, value]) => value !== null)))
  const removed = entries.filter(([, value]) => value === null).map(([name]) => name)
  return sql<string>`(${sql.ref('attributes')} || ${written}::jsonb) - ${removed}::text[]`
}
