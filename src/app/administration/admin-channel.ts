import { chmod } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { z } from 'zod'
import type { Log } from '../../platform/log.ts'
import { constantTimeEqual } from '../../security/digest.ts'
import { maximumOperatorLength, operatedBy } from './administration.ts'
import type { Administration } from './administration.ts'
import { adminPath, makeAdminSocket, removeLeftover } from './admin-socket.ts'
import { runCommand } from './run-command.ts'
import type { CommandAnswer } from './run-command.ts'

/*
 * An embedded database belongs to one process, so while a server runs, the command line hands its commands to it: HTTP
 * and JSON over a Unix domain socket that only the same user can reach, with a token that only the same user can read
 * (in the folder's lock file). On PostgreSQL there is no such channel: commands go to the database.
 */

/** A configuration file to be previewed is the largest thing that is ever sent. */
const maximumRequestBytes = 1024 * 1024
const limits = { headersTimeout: 5_000, requestTimeout: 10_000, maxHeaderSize: 8 * 1024, keepAliveTimeout: 1_000 }
const maximumConnections = 16
const stopGraceMs = 5_000

const requestSchema = z.strictObject({
  command: z.string().max(64),
  input: z.unknown(),
  /** As their side of the channel knows it. */
  operator: z.string().max(maximumOperatorLength),
})

interface AdminChannelOptions {
  services: Omit<Administration, 'publicUrl' | 'region'>
  publicUrl: string
  region: string
  log: Log
}

/** Starts the channel and writes into the folder's lock file where it is; does nothing where there is no such folder. */
export async function startAdminChannel(options: AdminChannelOptions): Promise<{ stop(): Promise<void> }> {
  const { services, publicUrl, region, log } = options
  const { lock } = services.database
  if (lock === undefined) return { stop: async () => undefined }
  const administration: Administration = { ...services, publicUrl, region }
  const token = services.domain.random.handle()
  const server = createServer(limits, (request, response) => {
    answer(administration, token, request, log).then(
      ({ status, body }) => send(response, status, body),
      (error: unknown) => {
        log.error({ err: error as Error }, 'an administration command failed')
        send(response, 500, {
          ok: false,
          reason: 'failed',
          message: 'The command failed in the server; its log says why.',
        })
      },
    )
  })
  server.maxConnections = maximumConnections
  try {
    await removeLeftover(lock.previous?.adminSocket)
    const socket = await makeAdminSocket(services.domain.random)
    await listen(server, socket.path)
    await lock.describe({ url: publicUrl, adminSocket: socket.path, adminToken: token })
    return {
      async stop() {
        await stop(server)
        await socket.remove()
      },
    }
  } catch (error) {
    log.warn({ err: error as Error }, 'the command line cannot reach this server: its admin channel did not open')
    await lock.describe({ url: publicUrl })
    return { stop: async () => void server.close() }
  }
}

async function answer(
  administration: Administration,
  token: string,
  request: IncomingMessage,
  log: Log,
): Promise<{ status: number; body: CommandAnswer }> {
  const refuse = (status: number, message: string) => ({
    status,
    body: { ok: false, reason: 'failed', message } as const,
  })
  if (!constantTimeEqual(request.headers.authorization ?? '', `Bearer ${token}`)) return refuse(401, 'Not authorized.')
  if (request.method !== 'POST' || request.url !== adminPath) return refuse(404, 'There is nothing here.')
  const text = await readText(request, maximumRequestBytes)
  if (text === undefined) return refuse(413, 'The request is too large.')
  const parsed = requestSchema.safeParse(parseJson(text))
  if (!parsed.success) return refuse(400, 'The request is not a command.')
  const { command, input, operator } = parsed.data
  const body = await runCommand(operatedBy(administration, operator), command, input)
  // Never the input: it may hold a password.
  log.info({ command, operator, outcome: body.ok ? 'done' : body.reason }, 'administration command')
  await administration.directory.refresh()
  return { status: 200, body }
}

/** @returns undefined when there are more bytes than `maximumBytes` */
async function readText(request: IncomingMessage, maximumBytes: number): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let bytes = 0
  // The stream stays open when reading stops early, so that the refusal can still be sent.
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > maximumBytes) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function send(response: ServerResponse, status: number, body: CommandAnswer): void {
  response.writeHead(status, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store', Connection: 'close' })
  response.end(JSON.stringify(body))
}

async function listen(server: Server, path: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, resolve)
  })
  if (process.platform !== 'win32') await chmod(path, 0o600)
}

/** Commands under way may finish. */
async function stop(server: Server): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(() => server.closeAllConnections(), stopGraceMs)
    server.close(() => {
      clearTimeout(timer)
      resolve()
    })
    server.closeIdleConnections()
  })
}
