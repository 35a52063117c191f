import { PGlite } from '@electric-sql/pglite'
import { Kysely, PGliteDialect } from 'kysely'
import { existsSync } from 'node:fs'
import { chmod, mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Log } from '../platform/log.ts'
import { lockFolder } from './folder-lock.ts'
import type { FolderLock } from './folder-lock.ts'
import type { Schema } from './schema.ts'

interface EmbeddedOptions {
  dataDir: string
  log: Log
  loadDataDir?: Blob
}

interface EmbeddedDatabase {
  kysely: Kysely<Schema>
  lock?: FolderLock
  close(): Promise<void>
}

/**
 * PGlite in `<dataDir>/pgdata`. A commit has been handed to the operating system before it is answered
 * (`relaxedDurability` off), so it outlives the process, though not a power cut.
 */
export async function openEmbeddedDatabase(options: EmbeddedOptions): Promise<EmbeddedDatabase> {
  if (options.dataDir.startsWith('memory://')) return database(await openPglite('memory://', options.loadDataDir))
  const lock = await lockFolder(options.dataDir)
  try {
    return database(await openFolder(options), lock)
  } catch (error) {
    await lock.release()
    throw error
  }
}

function database(pglite: PGlite, lock?: FolderLock): EmbeddedDatabase {
  const kysely = new Kysely<Schema>({ dialect: new PGliteDialect({ pglite }) })
  return {
    kysely,
    ...(lock === undefined ? {} : { lock }),
    async close() {
      await kysely.destroy()
      // Kysely closes only what it has used.
      if (!pglite.closed) await pglite.close()
      await lock?.release()
    },
  }
}

async function openFolder(options: EmbeddedOptions): Promise<PGlite> {
  const folder = join(options.dataDir, 'pgdata')
  // A first start that was killed leaves a folder that never opens. Nothing was stored in it yet: begin again.
  const unfinished = join(options.dataDir, 'pgdata.unfinished')
  if (existsSync(unfinished)) await rm(folder, { recursive: true, force: true })
  const isNew = !existsSync(folder)
  if (isNew) {
    options.log.info({ folder }, 'making a new embedded database')
    await writeFile(unfinished, '', { mode: 0o600 })
    await mkdir(folder, { mode: 0o700 })
  }
  await chmod(folder, 0o700)
  const pglite = await openPglite(folder, isNew ? options.loadDataDir : undefined)
  await rm(unfinished, { force: true })
  return pglite
}

async function openPglite(dataDir: string, loadDataDir: Blob | undefined): Promise<PGlite> {
  try {
    return await PGlite.create({
      dataDir,
      relaxedDurability: false,
      ...(loadDataDir === undefined ? {} : { loadDataDir }),
    })
  } catch (error) {
    throw new Error(`The embedded database in ${dataDir} does not open.`, { cause: error })
  }
}
