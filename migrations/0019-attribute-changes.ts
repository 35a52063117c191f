import type { Kysely } from 'kysely'

/* An address that waits for its code; the user keeps the former one until then (decision 13). One an attribute. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('attribute_changes')
    .addColumn('user_pool_id', 'text', (column) => column.notNull())
    .addColumn('user_sub', 'text', (column) => column.notNull())
    .addColumn('attribute', 'text', (column) => column.notNull())
    .addColumn('value', 'text', (column) => column.notNull())
    .addColumn('expires_at', 'timestamptz', (column) => column.notNull())
    .addPrimaryKeyConstraint('attribute_changes_pkey', ['user_sub', 'user_pool_id', 'attribute'])
    .addForeignKeyConstraint(
      'attribute_changes_user',
      ['user_pool_id', 'user_sub'],
      'users',
      ['user_pool_id', 'sub'],
      (constraint) => constraint.onDelete('cascade'),
    )
    .execute()
  await db.schema.createIndex('attribute_changes_expiry').on('attribute_changes').column('expires_at').execute()
}
