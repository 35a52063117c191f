import { chmodSync, mkdirSync } from 'node:fs'
import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { isSameProcess, processStart } from './process-identity.ts'

/*
 * One process at a time may have an embedded database open: two on one folder silently lose rows.
 *
 *   <dataDir>/latchkey.guard   empty; locked by the operating system for as long as its holder lives
 *   <dataDir>/latchkey.lock    JSON: who holds it, and where the command line reaches it
 *
 * Node has no file locks, but its SQLite does: a transaction on an empty file locks it (fcntl, LockFileEx). The kernel
 * drops that lock with the process, however it dies, so there are no stale locks to recognise, no process numbers to
 * mistake and no two processes to race for one; and it is seen across containers that share the folder.
 */

export interface LockRecord {
  pid: number
  /** ISO 8601: when that process began. */
  startedAt: string
  /** What the system calls that moment, where it tells: process numbers are used again. */
  processStart?: string
  /** Where the server answers. */
  url?: string
  /** Where the command line reaches it: a Unix domain socket, or a named pipe. */
  adminSocket?: string
  /** What the command line has to show there; the file is its owner's alone (0600). */
  adminToken?: string
}

export interface FolderLock {
  /** Of a holder that died without cleaning up after itself. */
  readonly previous?: LockRecord
  /** Adds to what `readLock` tells other processes. */
  describe(details: Pick<LockRecord, 'url' | 'adminSocket' | 'adminToken'>): Promise<void>
  release(): Promise<void>
}

export class DatabaseInUseError extends Error {
  readonly dataDir: string
  /** Without its token: errors are logged. */
  readonly holder: Omit<LockRecord, 'adminToken'> | undefined

  constructor(dataDir: string, holder: LockRecord | undefined) {
    const who = holder === undefined ? 'another process' : `process ${holder.pid} (running since ${holder.startedAt})`
    super(
      `The database in ${dataDir} is in use by ${who}. An embedded database belongs to one process at a time: ` +
        'stop that process, give this one a folder of its own (DATA_DIR), or let both use PostgreSQL (DATABASE_URL).',
    )
    this.name = 'DatabaseInUseError'
    this.dataDir = dataDir
    if (holder !== undefined) {
      const { adminToken: _, ...rest } = holder
      this.holder = rest
    }
  }
}

const sqliteBusy = 5
const guardFile = (dataDir: string): string => join(dataDir, 'latchkey.guard')
const lockFile = (dataDir: string): string => join(dataDir, 'latchkey.lock')

/** Guards in use: one that nobody referred to would be collected, and its lock dropped. */
const held = new Set<DatabaseSync>()

/**
 * Takes the folder for this process, making it (mode 0700) if need be.
 * @throws DatabaseInUseError when another process has it, or this one already
 */
export async function lockFolder(dataDir: string): Promise<FolderLock> {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  const guard = acquireGuard(dataDir)
  if (guard === undefined) throw new DatabaseInUseError(dataDir, await readLock(dataDir))
  held.add(guard)
  const previous = await readRecord(dataDir)
  const start = processStart(process.pid)
  let record: LockRecord = {
    pid: process.pid,
    startedAt: new Date(performance.timeOrigin).toISOString(),
    ...(start === undefined ? {} : { processStart: start }),
  }
  const release = async (): Promise<void> => {
    if (!held.delete(guard)) return
    await rm(lockFile(dataDir), { force: true })
    guard.close()
  }
  try {
    await writeRecord(dataDir, record)
  } catch (error) {
    await release()
    throw error
  }
  return {
    ...(previous === undefined ? {} : { previous }),
    release,
    async describe(details) {
      record = { ...record, ...details }
      await writeRecord(dataDir, record)
    },
  }
}

/** Who has the folder's database open; undefined when nobody does. */
export async function readLock(dataDir: string): Promise<LockRecord | undefined> {
  const record = await readRecord(dataDir)
  return record !== undefined && isSameProcess(record.pid, record.processStart) ? record : undefined
}

async function readRecord(dataDir: string): Promise<LockRecord | undefined> {
  try {
    return JSON.parse(await readFile(lockFile(dataDir), 'utf8')) as LockRecord
  } catch {
    return undefined // absent, or not written by us
  }
}

function acquireGuard(dataDir: string): DatabaseSync | undefined {
  const guard = new DatabaseSync(guardFile(dataDir), { timeout: 0 })
  try {
    // Nothing is ever written to it, so it needs no journal file beside it.
    guard.exec('pragma journal_mode = memory')
    guard.exec('begin exclusive')
    // By name only: opening and closing the file once more would drop the lock (POSIX, fcntl).
    chmodSync(guardFile(dataDir), 0o600)
    return guard
  } catch (error) {
    guard.close()
    if ((error as { errcode?: number }).errcode === sqliteBusy) return undefined
    throw error
  }
}

/** In one step, so that nobody reads half of it. */
async function writeRecord(dataDir: string, record: LockRecord): Promise<void> {
  const partial = `${lockFile(dataDir)}.new`
  await writeFile(partial, `${JSON.stringify(record)}\n`, { mode: 0o600 })
  await rename(partial, lockFile(dataDir))
}
