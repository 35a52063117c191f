import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

const source = join(import.meta.dirname, '..', '..', 'src', 'persistence')

export interface Child {
  pid: number
  /** Lines written so far. */
  lines: string[]
  /** Resolves with the next line that begins with `start`; fails when the process ends before. */
  line(start: string): Promise<string>
  /** Ends the process as a power cut to it alone would, and waits until it is gone. */
  kill(): Promise<void>
  ended: Promise<number | null>
}

/**
 * Runs a script in a process of its own. It may use `load('file.ts')` for modules of src/persistence, `say(text)` to
 * write a line that has reached us when it returns, and `log`.
 */
export function runChild(script: string): Child {
  const text = `
    import { writeSync } from 'node:fs'
    const load = (file) => import(${JSON.stringify(source)} + '/' + file)
    const say = (text) => writeSync(1, text + '\\n')
    const log = { debug() {}, info() {}, warn() {}, error() {} }
    ${script}`
  const process_ = spawn(process.execPath, ['--input-type=module', '--eval', text], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const lines: string[] = []
  const reader = createInterface({ input: process_.stdout })
  reader.on('line', (line) => lines.push(line))
  const ended = once(process_, 'close').then(([code]) => code as number | null)
  return {
    pid: process_.pid!,
    lines,
    ended,
    async line(start) {
      for (;;) {
        const found = lines.find((line) => line.startsWith(start))
        if (found !== undefined) return found
        const next = await Promise.race([once(reader, 'line'), ended.then(() => undefined)])
        if (next === undefined && !lines.some((line) => line.startsWith(start)))
          throw new Error(`it ended without ${start}`)
      }
    },
    async kill() {
      process_.kill('SIGKILL')
      await ended
    },
  }
}
