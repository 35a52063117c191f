import { sql } from 'kysely'
import type { Kysely } from 'kysely'

/* Groups and who is in them: the `cognito:groups` claim. Ordered by name as bytes where precedences are equal. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('groups')
    .addColumn('user_pool_id', 'text', (column) => column.notNull().references('user_pools.id').onDelete('cascade'))
    .addColumn('name', sql`text collate "C"`, (column) => column.notNull())
    .addColumn('description', 'text')
    .addColumn('precedence', 'integer')
    .addColumn('role_arn', 'text')
    .addColumn('created_at', 'timestamptz', (column) => column.notNull())
    .addColumn('updated_at', 'timestamptz', (column) => column.notNull())
    .addPrimaryKeyConstraint('groups_pkey', ['name', 'user_pool_id'])
    .execute()
  // For lists only: see 0004-users.
  await sql`create index groups_by_name on groups (user_pool_id, name) where name <> ''`.execute(db)

  await db.schema
    .createTable('group_members')
    .addColumn('user_pool_id', 'text', (column) => column.notNull())
    .addColumn('user_sub', 'text', (column) => column.notNull())
    .addColumn('group_name', sql`text collate "C"`, (column) => column.notNull())
    .addColumn('created_at', 'timestamptz', (column) => column.notNull())
    .addPrimaryKeyConstraint('group_members_pkey', ['user_sub', 'user_pool_id', 'group_name'])
    .addForeignKeyConstraint(
      'group_members_user',
      ['user_pool_id', 'user_sub'],
      'users',
      ['user_pool_id', 'sub'],
      (constraint) => constraint.onDelete('cascade'),
    )
    .addForeignKeyConstraint(
      'group_members_group',
      ['user_pool_id', 'group_name'],
      'groups',
      ['user_pool_id', 'name'],
      (constraint) => constraint.onDelete('cascade'),
    )
    .execute()
  await db.schema
    .createIndex('group_members_group')
    .on('group_members')
    .columns(['group_name', 'user_pool_id'])
    .execute()
}
