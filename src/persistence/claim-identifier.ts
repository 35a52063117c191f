import type { Kysely } from 'kysely'
import type { UserIdentifier } from '../domain/ports/new-user.ts'
import type { Schema } from './schema.ts'

/**
 * Gives a user the name unless another user holds it, and takes away the user's earlier name of the same kind: an old
 * e-mail address must not keep leading to the account. One statement.
 */
export async function claimIdentifier(
  db: Kysely<Schema>,
  userPoolId: string,
  sub: string,
  identifier: UserIdentifier,
): Promise<boolean> {
  const claimed = await db
    .with('claimed', (part) =>
      part
        .insertInto('user_identifiers')
        .columns(['user_pool_id', 'key', 'kind', 'user_sub'])
        // From the user's row: somebody deleted meanwhile claims nothing.
        .expression((eb) =>
          eb
            .selectFrom('users')
            .select((user) => [
              'user_pool_id',
              user.val(identifier.key).as('key'),
              user.val(identifier.kind).as('kind'),
              'sub',
            ])
            .where('user_pool_id', '=', userPoolId)
            .where('sub', '=', sub),
        )
        .onConflict((conflict) =>
          conflict
            .columns(['user_pool_id', 'key'])
            // Changes nothing: a name that is one's own already keeps its kind (a user name may look like an address).
            .doUpdateSet((eb) => ({ user_sub: eb.ref('excluded.user_sub') }))
            .where('user_identifiers.user_sub', '=', sub),
        )
        .returning('key'),
    )
    .with('released', (part) =>
      part
        .deleteFrom('user_identifiers')
        .where('user_pool_id', '=', userPoolId)
        .where('user_sub', '=', sub)
        .where('kind', '=', identifier.kind)
        .where('key', '<>', identifier.key)
        .where((eb) => eb.exists(eb.selectFrom('claimed').select('claimed.key'))),
    )
    .selectFrom('claimed')
    .select('key')
    .executeTakeFirst()
  return claimed !== undefined
}

/** Takes the name away from the user, if it is theirs. */
export async function releaseIdentifier(
  db: Kysely<Schema>,
  userPoolId: string,
  sub: string,
  { kind, key }: UserIdentifier,
): Promise<void> {
  await db
    .deleteFrom('user_identifiers')
    .where('user_pool_id', '=', userPoolId)
    .where('key', '=', key)
    .where('kind', '=', kind)
    .where('user_sub', '=', sub)
    .execute()
}
