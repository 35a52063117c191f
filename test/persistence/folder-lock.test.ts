import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openDatabase } from '../../src/persistence/database.ts'
import { DatabaseInUseError, lockFolder, readLock } from '../../src/persistence/folder-lock.ts'
import { migrate } from '../../src/persistence/migrate.ts'
import { runChild } from './child-process.ts'
import { log } from './databases.ts'

let dataDir: string
beforeEach(async () => {
  dataDir = join(await mkdtemp(join(tmpdir(), 'latchkey-lock-')), 'data')
})
afterEach(() => rm(join(dataDir, '..'), { recursive: true, force: true }))

/** A process that takes the folder, or says why it could not. */
const contender = () =>
  runChild(`
    const { lockFolder } = await load('folder-lock.ts')
    try {
      const lock = await lockFolder(${JSON.stringify(dataDir)})
      await lock.describe({ url: 'http://localhost:3000' })
      say('locked')
      setInterval(() => lock, 1000)
    } catch (error) {
      say(error.name)
    }`)

const modeOf = async (path: string) => (await stat(path)).mode & 0o777

describe('a folder that a living process holds', () => {
  test('is refused, with a message that says who holds it, and what to do', async () => {
    const holder = contender()
    await holder.line('locked')
    const refusal = await openDatabase({ dataDir, log }).catch((error: unknown) => error)
    expect(refusal).toBeInstanceOf(DatabaseInUseError)
    const { message } = refusal as DatabaseInUseError
    expect(message).toContain(dataDir)
    expect(message).toContain(`process ${holder.pid}`)
    expect(message).toContain('DATA_DIR')
    expect(message).toContain('DATABASE_URL')
    expect(await readLock(dataDir)).toMatchObject({ pid: holder.pid, url: 'http://localhost:3000' })
    await holder.kill()
  })

  test('is refused to that very process as well, which keeps its hold', async () => {
    const lock = await lockFolder(dataDir)
    await expect(lockFolder(dataDir)).rejects.toThrow(DatabaseInUseError)
    const other = contender()
    expect(await other.line('')).toBe('DatabaseInUseError')
    await lock.release()
    await (await lockFolder(dataDir)).release()
  })
})

describe('a folder whose holder was killed', () => {
  test('is taken over at once', async () => {
    const holder = contender()
    await holder.line('locked')
    await holder.kill()
    expect(await readFile(join(dataDir, 'latchkey.lock'), 'utf8')).toContain(`"pid":${holder.pid}`)
    expect(await readLock(dataDir)).toBeUndefined()
    const lock = await lockFolder(dataDir)
    expect(await readLock(dataDir)).toMatchObject({ pid: process.pid })
    await lock.release()
    expect(await readLock(dataDir)).toBeUndefined()
  })

  test('goes to one of six that race for it', async () => {
    for (let round = 0; round < 3; round++) {
      const holder = contender()
      await holder.line('locked')
      await holder.kill()
      const contenders = Array.from({ length: 6 }, contender)
      const answers = await Promise.all(contenders.map((child) => child.line('')))
      expect(answers.toSorted()).toEqual([...Array<string>(5).fill('DatabaseInUseError'), 'locked'])
      await Promise.all(contenders.map((child) => child.kill()))
    }
  })

  test('is not mistaken for held because another process has its number now', async () => {
    await mkdir(dataDir)
    const record = { pid: process.pid, startedAt: '2026-01-01T00:00:00.000Z', processStart: '1' }
    await writeFile(join(dataDir, 'latchkey.lock'), JSON.stringify(record))
    // Without /proc there is nothing to tell one process from the other.
    if (process.platform === 'linux') expect(await readLock(dataDir)).toBeUndefined()
    await (await lockFolder(dataDir)).release()
  })
})

test('a lock file that holds nonsense stops nobody', async () => {
  await mkdir(dataDir)
  await writeFile(join(dataDir, 'latchkey.lock'), '{"pid":')
  expect(await readLock(dataDir)).toBeUndefined()
  await (await lockFolder(dataDir)).release()
})

test('only the owner may enter the folder and its files', async () => {
  const database = await openDatabase({ dataDir, log })
  expect(await modeOf(dataDir)).toBe(0o700)
  expect(await modeOf(join(dataDir, 'pgdata'))).toBe(0o700)
  expect(await modeOf(join(dataDir, 'latchkey.lock'))).toBe(0o600)
  expect(await modeOf(join(dataDir, 'latchkey.guard'))).toBe(0o600)
  await database.close()
})

test('a first start that was cut short is begun again', async () => {
  await mkdir(join(dataDir, 'pgdata', 'base'), { recursive: true })
  await writeFile(join(dataDir, 'pgdata', 'PG_VERSION'), '18')
  await expect(openDatabase({ dataDir, log })).rejects.toThrow('does not open')
  await writeFile(join(dataDir, 'pgdata.unfinished'), '')
  const database = await openDatabase({ dataDir, log })
  expect(await migrate(database, { log })).not.toEqual([])
  await database.close()
})
