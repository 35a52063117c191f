import { sql } from 'kysely'
import pino from 'pino'
import { openDatabase, type Database } from '../../../src/persistence/database.ts'
import { createEmbeddedDump } from '../../../src/persistence/embedded-dump.ts'
import { migrate } from '../../../src/persistence/migrate.ts'
import { settingsRepository } from '../../../src/persistence/settings-repository.ts'

const log = pino({ level: 'silent' })
const at = new Date('2026-05-01T00:00:00Z')

export const userPoolId = 'us-east-1_acme'

/** A database with one user pool: embedded, or in PostgreSQL where a URL of an empty one is given. */
export async function openMessagingDatabase(databaseUrl?: string): Promise<Database> {
  const database =
    databaseUrl === undefined
      ? await openDatabase({ dataDir: 'memory://', log, loadDataDir: await createEmbeddedDump({ log }) })
      : await openDatabase({ dataDir: 'memory://', log, databaseUrl })
  await migrate(database, { log })
  const userPool = { id: userPoolId, name: 'acme', isDefault: true, issuer: `https://id.acme.example/${userPoolId}` }
  const rest = { issuerFollowsPublicUrl: false, domains: [], settings: {} }
  await settingsRepository(database.kysely).saveUserPool({ ...userPool, ...rest }, at)
  return database
}

export const connectTo = (databaseUrl: string): Promise<Database> =>
  openDatabase({ dataDir: 'memory://', log, databaseUrl })

export async function emptyTables({ kysely }: Database): Promise<void> {
  await sql`delete from outbox`.execute(kysely)
  await sql`delete from mailbox_messages`.execute(kysely)
}

export interface OutboxRow {
  id: string
  state: 'queued' | 'sent' | 'dead'
  sealedMessage: string | null
  attempts: number
  dueAt: Date | null
  error: string | null
}

/** All of the outbox, oldest first. */
export async function outboxRows({ kysely }: Database): Promise<OutboxRow[]> {
  const rows = await kysely.selectFrom('outbox').selectAll().orderBy('created_at').orderBy('id').execute()
  return rows.map((row) => ({
    id: row.id,
    state: row.sent_at ? 'sent' : row.dead_at ? 'dead' : 'queued',
    sealedMessage: row.sealed_message,
    attempts: row.attempts,
    dueAt: row.due_at,
    error: row.last_error,
  }))
}
