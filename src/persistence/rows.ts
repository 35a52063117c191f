import type { Kysely } from 'kysely'
import type { Schema } from './schema.ts'

type NullableKey<Row> = { [Key in keyof Row]: null extends Row[Key] ? Key : never }[keyof Row]

/** A row as the domain has it: a column that is null is a member that is absent. */
export type Present<Row> = Omit<Row, NullableKey<Row>> & {
  [Key in NullableKey<Row>]?: Exclude<Row[Key], null>
}

export function present<Row extends object>(row: Row): Present<Row> {
  return Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null)) as Present<Row>
}

/** As `present`, of a row that may not be there. */
export const presentOrNone = <Row extends object>(row: Row | undefined): Present<Row> | undefined =>
  row === undefined ? undefined : present(row)

/** Runs in the caller's transaction, or in one of its own when there is none. */
export function inTransaction<T>(db: Kysely<Schema>, work: (trx: Kysely<Schema>) => Promise<T>): Promise<T> {
  return db.isTransaction ? work(db) : db.transaction().execute(work)
}
