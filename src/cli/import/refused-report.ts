import { open, readFile, writeFile } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import type { RefusedView } from '../../app/administration/import-commands.ts'

/** A file with each row that was refused, and why: a JSON object a line. There is none while no row was. */
export interface RefusedReport {
  add(refused: readonly RefusedView[]): Promise<void>
  close(): Promise<void>
}

/** @param earlier those of an import that goes on: the last of them may not have been written down */
export async function openReport(
  path: string,
  earlier: { count: number; latest: readonly RefusedView[] },
): Promise<RefusedReport> {
  await keepLines(path, earlier.count - earlier.latest.length)
  let file: FileHandle | undefined
  const add = async (refused: readonly RefusedView[]): Promise<void> => {
    if (refused.length === 0) return
    file ??= await open(path, 'a', 0o600)
    await file.appendFile(refused.map((row) => `${JSON.stringify(row)}\n`).join(''))
  }
  await add(earlier.latest)
  return { add, close: async () => file?.close() }
}

async function keepLines(path: string, count: number): Promise<void> {
  const text = await readFile(path, 'utf8').catch(() => undefined)
  if (text === undefined) return
  const lines = text.split('\n').slice(0, count)
  await writeFile(path, lines.map((line) => `${line}\n`).join(''), { mode: 0o600 })
}
