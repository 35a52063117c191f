import { stat } from 'node:fs/promises'
import { SingleBar } from 'cli-progress'
import { CommandFailure } from '../../app/administration/command-failure.ts'
import type { RefusedView } from '../../app/administration/import-commands.ts'
import { fromFirebase, isFirebaseUser } from '../../domain/user-import/firebase-user.ts'
import type { FirebaseHashParameters } from '../../domain/user-import/imported-password.ts'
import type { Run } from '../on-database.ts'
import { openReport } from './refused-report.ts'
import type { RefusedReport } from './refused-report.ts'
import { hashOfFile, openUsersFile } from './users-file.ts'
import type { FileRow, UsersFile } from './users-file.ts'

export interface ImportOptions {
  file: string
  userPool: string | undefined
  dryRun: boolean
  /** From the first row, although the file was imported before. */
  restart: boolean
  /** Where refused rows are written. */
  report: string
  passphrase: string | undefined
  firebase: FirebaseHashParameters | undefined
}

export interface ImportSummary {
  UserPoolId: string
  DryRun: boolean
  Imported: number
  Refused: number
  /** Where they are, if there are any. */
  Report?: string
  /** Rows that an earlier run had done. */
  ResumedAfter?: number
}

/** A batch goes over the admin channel, which takes a megabyte. */
const batchRows = 200
const batchBytes = 512 * 1024

/**
 * Imports a file, from where an earlier run of the same file stopped.
 * @throws CommandFailure
 */
export async function importFile(run: Run, options: ImportOptions): Promise<ImportSummary> {
  const { file, userPool, dryRun, restart } = options
  const fileHash = await hashOfFile(file)
  const begun = await run('import.begin', { userPool, fileHash, restart: restart || dryRun, dryRun })
  if (begun.FinishedAt !== undefined) {
    const counts = `${begun.Imported} imported, ${begun.Refused} refused`
    throw new CommandFailure(
      'refused',
      `This file was imported at ${begun.FinishedAt} (${counts}): --restart goes through it again.`,
    )
  }
  const bar = await progressBar(file)
  const report = await openReport(options.report, { count: begun.Refused, latest: begun.LatestRefused })
  try {
    const users = await openUsersFile(file, { passphrase: options.passphrase, seen: (bytes) => bar.seen(bytes) })
    if (users.header !== undefined && !dryRun) await run('import.groups', { userPool, groups: users.header.Groups })
    const done = await importRows(run, options, { fileHash, begun, users, report })
    if (!dryRun) await run('import.finish', { userPool, fileHash })
    return {
      UserPoolId: begun.UserPoolId,
      DryRun: dryRun,
      ...done,
      ...(done.Refused === 0 ? {} : { Report: options.report }),
      ...(begun.RowsDone === 0 ? {} : { ResumedAfter: begun.RowsDone }),
    }
  } catch (error) {
    throw dryRun ? error : goingOn(error)
  } finally {
    bar.stop()
    await report.close()
  }
}

/** A server that goes away in the middle loses nothing: whoever is told so does not begin from the start. */
function goingOn(error: unknown): unknown {
  if (!(error instanceof CommandFailure) || error.reason !== 'unreachable') return error
  const hint = 'The same command goes on where this one stopped.'
  return new CommandFailure('unreachable', `${error.message} ${hint}`, { cause: error })
}

interface Work {
  fileHash: string
  begun: { RowsDone: number; Imported: number; Refused: number }
  users: UsersFile
  report: RefusedReport
}

async function importRows(
  run: Run,
  { userPool, dryRun, firebase }: ImportOptions,
  { fileHash, begun, users, report }: Work,
): Promise<{ Imported: number; Refused: number }> {
  let [from, imported, refused] = [begun.RowsDone, begun.Imported, begun.Refused]
  const seen = new Map<string, number>()
  for await (const rows of batches(behind(users.rows, from), firebase)) {
    const answer = await run('import.rows', { userPool, fileHash, from, dryRun, rows })
    const doubles = 'Names' in answer ? doublesIn(answer.Names ?? [], seen) : []
    await report.add([...answer.Refused, ...doubles].toSorted((one, other) => one.Row - other.Row))
    from += rows.length
    imported += answer.Imported - doubles.length
    refused += answer.Refused.length + doubles.length
  }
  return { Imported: imported, Refused: refused }
}

/** Of a dry run, which leaves nobody there to collide with. */
function doublesIn(
  named: readonly { Row: number; Names: readonly string[] }[],
  seen: Map<string, number>,
): readonly RefusedView[] {
  return named.flatMap(({ Row, Names }) => {
    const earlier = Names.map((name) => seen.get(name)).find((row) => row !== undefined)
    if (earlier !== undefined) return [{ Row, Reason: `the name is that of row ${earlier}` }]
    for (const name of Names) seen.set(name, Row)
    return []
  })
}

async function* behind(rows: AsyncIterable<FileRow>, done: number): AsyncGenerator<FileRow> {
  let number = 0
  for await (const row of rows) {
    number += 1
    if (number > done) yield row
  }
}

async function* batches(
  rows: AsyncIterable<FileRow>,
  firebase: FirebaseHashParameters | undefined,
): AsyncGenerator<FileRow[]> {
  let [batch, bytes]: [FileRow[], number] = [[], 0]
  for await (const given of rows) {
    const row = understood(given, firebase)
    const length = JSON.stringify(row).length
    if (batch.length > 0 && (batch.length >= batchRows || bytes + length > batchBytes)) {
      yield batch
      ;[batch, bytes] = [[], 0]
    }
    batch.push(row)
    bytes += length
  }
  if (batch.length > 0) yield batch
}

function understood(row: FileRow, firebase: FirebaseHashParameters | undefined): FileRow {
  if (!('user' in row) || !isFirebaseUser(row.user)) return row
  const read = fromFirebase(row.user, firebase)
  if ('problem' in read) return { row: row.row, problem: read.problem }
  return { row: row.row, user: read.user }
}

/** On a terminal alone. */
async function progressBar(file: string): Promise<{ seen(bytes: number): void; stop(): void }> {
  if (!process.stderr.isTTY) return { seen: () => undefined, stop: () => undefined }
  const bar = new SingleBar({
    format: 'Importing {bar} {percentage}% · {eta_formatted} left',
    hideCursor: true,
    clearOnComplete: true,
  })
  bar.start((await stat(file)).size, 0)
  return { seen: (bytes) => bar.increment(bytes), stop: () => bar.stop() }
}
