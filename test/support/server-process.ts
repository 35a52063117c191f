import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { compileCache } from './compile-cache.ts'

const main = join(import.meta.dirname, '..', '..', 'src', 'main.ts')
const startTimeoutMs = 60_000

/** The server as an operator runs it: a process of its own, which can be killed. */
export interface ServerProcess {
  /** As a power cut to the process would: nothing is finished, nothing is said. */
  kill(): Promise<void>
  /** As an operator does. @returns the exit code */
  terminate(): Promise<number | null>
  /** Sends SIGTERM without waiting. */
  askToStop(): void
  ended: Promise<number | null>
  /** All that it has said so far, on standard output and error. */
  output(): string
}

/** Starts `latchkey serve` with this environment alone, and waits until it is ready. */
export async function startServerProcess(environment: Record<string, string>): Promise<ServerProcess> {
  const child = spawn(process.execPath, [main, 'serve'], {
    env: {
      PATH: process.env['PATH'],
      HOST: '127.0.0.1',
      LOG_LEVEL: 'warn',
      LATCHKEY_RATE_LIMITS: 'off',
      ...compileCache,
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text: Buffer) => (output += text.toString()))
  const ended = once(child, 'close').then(([code]) => code as number | null)
  const server = {
    ended,
    output: () => output,
    askToStop: () => void child.kill('SIGTERM'),
    async kill() {
      child.kill('SIGKILL')
      await ended
    },
    terminate() {
      child.kill('SIGTERM')
      return ended
    },
  }
  if (!(await becomesReady(child, Number(environment['PORT'])))) {
    await server.kill()
    throw new Error(`the server did not start:\n${output}`)
  }
  return server
}

async function becomesReady(child: ChildProcess, port: number): Promise<boolean> {
  const deadline = Date.now() + startTimeoutMs
  while (Date.now() < deadline && child.exitCode === null && child.signalCode === null) {
    const answer = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => undefined)
    if (answer?.ok === true) return true
    await sleep(50)
  }
  return false
}

/** A loopback port that nobody listens on at the moment. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
