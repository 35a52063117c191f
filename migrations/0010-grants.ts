import { sql } from 'kysely'
import type { Kysely } from 'kysely'

/*
 * Authorization codes, grants and refresh tokens, with a column for everything that the token endpoint asks, so that a
 * grant costs one read and one write (design decision 8). Codes and tokens are SHA-256 values of random handles.
 * There is no foreign key to the app client: checking it would cost every grant about a tenth, and the statement that
 * deletes a client deletes these rows as well.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await createAuthorizationCodes(db)
  await createGrants(db)
  await createRefreshTokens(db)
}

async function createAuthorizationCodes(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('authorization_codes')
    .addColumn('user_pool_id', 'text', (column) => column.notNull())
    .addColumn('code_hash', 'text', (column) => column.notNull())
    .addColumn('client_id', 'text', (column) => column.notNull())
    .addColumn('user_sub', 'text', (column) => column.notNull())
    .addColumn('redirect_uri', 'text', (column) => column.notNull())
    .addColumn('scope', 'text', (column) => column.notNull())
    .addColumn('nonce', 'text')
    .addColumn('code_challenge', 'text')
    .addColumn('resource', 'text')
    .addColumn('auth_time', 'timestamptz', (column) => column.notNull())
    .addColumn('amr', sql`text[]`, (column) => column.notNull())
    .addColumn('acr', 'text')
    .addColumn('session_uid', 'text')
    .addColumn('expires_at', 'timestamptz', (column) => column.notNull())
    // A code presented twice revokes the grant that it opened (RFC 6749 §4.1.2), so it stays and remembers it.
    .addColumn('consumed_at', 'timestamptz')
    .addColumn('grant_id', 'text')
    .addPrimaryKeyConstraint('authorization_codes_pkey', ['code_hash', 'user_pool_id'])
    .addForeignKeyConstraint(
      'authorization_codes_user',
      ['user_pool_id', 'user_sub'],
      'users',
      ['user_pool_id', 'sub'],
      (constraint) => constraint.onDelete('cascade'),
    )
    .execute()
  const index = (name: string) => db.schema.createIndex(name).on('authorization_codes')
  await index('authorization_codes_user').columns(['user_sub', 'user_pool_id']).execute()
  await index('authorization_codes_expiry').column('expires_at').execute()
}

async function createGrants(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('grants')
    .addColumn('user_pool_id', 'text', (column) => column.notNull())
    .addColumn('id', 'text', (column) => column.notNull())
    .addColumn('client_id', 'text', (column) => column.notNull())
    .addColumn('user_sub', 'text', (column) => column.notNull())
    .addColumn('scope', 'text', (column) => column.notNull())
    .addColumn('resource', 'text')
    .addColumn('auth_time', 'timestamptz', (column) => column.notNull())
    .addColumn('amr', sql`text[]`, (column) => column.notNull())
    .addColumn('acr', 'text')
    .addColumn('event_id', 'text', (column) => column.notNull())
    .addColumn('session_uid', 'text')
    .addColumn('created_at', 'timestamptz', (column) => column.notNull())
    .addColumn('expires_at', 'timestamptz', (column) => column.notNull())
    .addColumn('revoked_at', 'timestamptz')
    .addPrimaryKeyConstraint('grants_pkey', ['id', 'user_pool_id'])
    .addForeignKeyConstraint(
      'grants_user',
      ['user_pool_id', 'user_sub'],
      'users',
      ['user_pool_id', 'sub'],
      (constraint) => constraint.onDelete('cascade'),
    )
    .execute()
  await db.schema.createIndex('grants_user').on('grants').columns(['user_sub', 'user_pool_id']).execute()
  await db.schema.createIndex('grants_expiry').on('grants').column('expires_at').execute()
}

async function createRefreshTokens(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('refresh_tokens')
    .addColumn('user_pool_id', 'text', (column) => column.notNull())
    .addColumn('token_hash', 'text', (column) => column.notNull())
    .addColumn('grant_id', 'text', (column) => column.notNull())
    .addColumn('created_at', 'timestamptz', (column) => column.notNull())
    .addColumn('consumed_at', 'timestamptz')
    .addPrimaryKeyConstraint('refresh_tokens_pkey', ['token_hash', 'user_pool_id'])
    .addForeignKeyConstraint(
      'refresh_tokens_grant',
      ['user_pool_id', 'grant_id'],
      'grants',
      ['user_pool_id', 'id'],
      (constraint) => constraint.onDelete('cascade'),
    )
    .execute()
  await db.schema
    .createIndex('refresh_tokens_grant')
    .on('refresh_tokens')
    .columns(['grant_id', 'user_pool_id'])
    .execute()
}
