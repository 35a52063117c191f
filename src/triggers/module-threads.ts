import { extname, isAbsolute, join } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { TriggerAnswer } from '../domain/ports/trigger-runner.ts'
import type { TriggerTarget } from '../domain/triggers/trigger-target.ts'
import type { Log } from '../platform/log.ts'
import { answered, threwWith } from './http-answer.ts'

/*
 * Modules of the operator's own, each in threads of its own: they can neither block the server nor outlive their time. A thread
 * answers one question at a time, and ends with the question that it has not answered in time.
 */

/** At once, of one module; whoever comes later waits, within its time. */
const threadsPerModule = 4

/** What is the server's alone. */
const withheldVariables = ['LATCHKEY_SECRET', 'DATABASE_URL', 'SMTP_URL', 'SMS_URL', 'SMS_WEBHOOK_SECRET']

interface Question {
  id: string
  name: string
  event: object
}

type Told = { kind: 'answered'; body: string } | { kind: 'threw' | 'broken'; message: string }

export interface ModuleThreads {
  ask(
    target: Extract<TriggerTarget, { kind: 'module' }>,
    question: Question,
    signal: AbortSignal,
  ): Promise<TriggerAnswer>
  close(): Promise<void>
}

interface Pool {
  idle: Worker[]
  size: number
  waiting: (() => void)[]
}

/** @param folder what paths are relative to */
export function createModuleThreads({ folder, log }: { folder: string; log: Log }): ModuleThreads {
  const pools = new Map<string, Pool>()
  const workers = new Set<Worker>()

  const start = (path: string, pool: Pool): Worker => {
    const worker = startThread(path, log)
    workers.add(worker)
    // Also one that nobody waits for may end: by what it has left undone.
    worker.on('error', (error: Error) => log.warn({ module: path, problem: error.message }, 'a thread has ended'))
    worker.once('exit', () => {
      workers.delete(worker)
      const index = pool.idle.indexOf(worker)
      if (index === -1) return
      pool.idle.splice(index, 1)
      pool.size -= 1
    })
    return worker
  }

  const poolOf = (path: string): Pool => {
    const pool = pools.get(path) ?? { idle: [], size: 0, waiting: [] }
    pools.set(path, pool)
    return pool
  }

  /** A thread that is free, or a new one, or the next that becomes free. */
  async function take(path: string, pool: Pool, signal: AbortSignal): Promise<Worker | undefined> {
    for (;;) {
      if (signal.aborted) return undefined
      const idle = pool.idle.pop()
      if (idle !== undefined) return idle
      if (pool.size < threadsPerModule) {
        pool.size += 1
        return start(path, pool)
      }
      await new Promise<void>((resolve) => {
        pool.waiting.push(resolve)
        signal.addEventListener('abort', () => resolve(), { once: true })
      })
    }
  }

  const release = (pool: Pool, worker: Worker | undefined): void => {
    if (worker === undefined) pool.size -= 1
    else pool.idle.push(worker)
    pool.waiting.shift()?.()
  }

  return {
    async ask(target, question, signal) {
      const path = isAbsolute(target.path) ? target.path : join(folder, target.path)
      const pool = poolOf(path)
      const worker = await take(path, pool, signal)
      if (worker === undefined) return { kind: 'failed', problem: 'no thread was free within its time', again: true }
      const told = await answerOf(worker, { ...question, remaining: target.timeoutMs }, signal)
      const isAlive = told.kind === 'told'
      if (!isAlive) await worker.terminate()
      release(pool, isAlive ? worker : undefined)
      return answerFrom(told, target.path)
    },
    async close() {
      await Promise.all([...workers].map((worker) => worker.terminate()))
    },
  }
}

function startThread(path: string, log: Log): Worker {
  const file = new URL(`./module-worker${extname(import.meta.filename)}`, import.meta.url)
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !withheldVariables.includes(name)))
  const worker = new Worker(file, {
    workerData: { path },
    env: env as NodeJS.Dict<string>,
    stdout: true,
    stderr: true,
    resourceLimits: { maxOldGenerationSizeMb: 128 },
  })
  for (const output of [worker.stdout, worker.stderr]) {
    output.on('data', (data: Buffer) => log.info({ module: path }, data.toString('utf8').trimEnd().slice(0, 2000)))
  }
  // It must not keep a process alive that has nothing else to do.
  worker.unref()
  return worker
}

type Outcome = { kind: 'told'; told: Told } | { kind: 'late' } | { kind: 'ended'; problem: string }

function answerOf(worker: Worker, question: Question & { remaining: number }, signal: AbortSignal): Promise<Outcome> {
  return new Promise((resolve) => {
    const settle = (outcome: Outcome): void => {
      worker.off('message', onMessage).off('error', onError).off('exit', onExit)
      signal.removeEventListener('abort', onAbort)
      worker.unref()
      resolve(outcome)
    }
    worker.ref()
    const onMessage = (told: Told): void => settle({ kind: 'told', told })
    const onError = (error: Error): void => settle({ kind: 'ended', problem: error.message })
    const onExit = (code: number): void => settle({ kind: 'ended', problem: `its thread has ended (${code})` })
    const onAbort = (): void => settle({ kind: 'late' })
    worker.on('message', onMessage).on('error', onError).on('exit', onExit)
    signal.addEventListener('abort', onAbort)
    worker.postMessage(question)
  })
}

function answerFrom(outcome: Outcome, path: string): TriggerAnswer {
  if (outcome.kind === 'late') return { kind: 'failed', problem: 'no answer within its time', again: true }
  if (outcome.kind === 'ended') return { kind: 'failed', problem: outcome.problem, again: false }
  const { told } = outcome
  if (told.kind === 'answered') return answered(told.body)
  if (told.kind === 'threw') return { kind: 'threw', message: threwWith(told.message) }
  return { kind: 'failed', problem: `${path} cannot be loaded: ${told.message}`, again: false }
}
