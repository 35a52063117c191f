import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { compileCache } from '../support/compile-cache.ts'
import { systemRandom } from '../../src/platform/random.ts'

const main = join(import.meta.dirname, '..', '..', 'src', 'main.ts')

export interface Outcome {
  status: number | null
  stdout: string
  stderr: string
}

/** Whatever a command answers; tests say what they expect of it. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type Answer = any

export interface Latchkey {
  /** A folder of its own, also the working and the temporary one. */
  folder: string
  env: Record<string, string>
  run(args: readonly string[], options?: { stdin?: string; env?: Record<string, string> }): Promise<Outcome>
  /** Runs with `--json` and expects to be done. */
  json(...args: readonly string[]): Promise<Answer>
  /** Starts a command and leaves it running. */
  start(args: readonly string[], env?: Record<string, string>): ChildProcess
  /** Starts `serve --json` and waits until it is ready. */
  serve(env?: Record<string, string>): Promise<Served>
  remove(): Promise<void>
}

export interface Served {
  process: ChildProcess
  ready: { PublicUrl: string; Port: number; UserPools: { Id: string }[] }
  stop(signal?: NodeJS.Signals): Promise<void>
}

/** The program as its users start it, in an environment that holds nothing but what is given here. */
export async function createLatchkey(settings: Record<string, string> = {}): Promise<Latchkey> {
  const folder = await mkdtemp(join(tmpdir(), 'cli-'))
  const env = {
    PATH: process.env['PATH'] ?? '',
    TMPDIR: folder,
    ...compileCache,
    DATA_DIR: join(folder, 'data'),
    PORT: '0',
    ...settings,
  }
  const running = new Set<ChildProcess>()
  const start = (args: readonly string[], more: Record<string, string> = {}): ChildProcess => {
    // The embedded database's code is not optimised for a second's work: the machine has other tests to run.
    const child = spawn(process.execPath, ['--liftoff-only', main, ...args], { cwd: folder, env: { ...env, ...more } })
    running.add(child)
    child.once('exit', () => running.delete(child))
    return child
  }
  const latchkey: Latchkey = {
    folder,
    env,
    start,
    async run(args, options = {}) {
      const child = start(args, options.env)
      child.stdin?.end(options.stdin ?? '')
      const [stdout, stderr] = await Promise.all([text(child.stdout!), text(child.stderr!), once(child, 'close')])
      return { status: child.exitCode, stdout, stderr }
    },
    async json(...args) {
      const { status, stdout, stderr } = await latchkey.run([...args, '--json'])
      if (status !== 0) throw new Error(`latchkey ${args.join(' ')} ended with ${status}: ${stderr}`)
      return JSON.parse(stdout)
    },
    serve: (more) => serve(start(['serve', '--json'], more)),
    async remove() {
      for (const child of running) {
        child.kill('SIGKILL')
        await once(child, 'exit')
      }
      await rm(folder, { recursive: true, force: true })
    },
  }
  return latchkey
}

async function serve(child: ChildProcess): Promise<Served> {
  const log = text(child.stderr!)
  const [line] = await Promise.race([
    once(createInterface({ input: child.stdout! }), 'line') as Promise<[string]>,
    once(child, 'exit').then(async ([status]) => {
      throw new Error(`serve ended with ${status}: ${await log}`)
    }),
  ])
  return {
    process: child,
    ready: JSON.parse(line) as Served['ready'],
    async stop(signal = 'SIGTERM') {
      child.kill(signal)
      await once(child, 'exit')
    },
  }
}

export const newSecret = (): string => systemRandom.handle()
