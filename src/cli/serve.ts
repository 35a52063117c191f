import { readConfigurationFile } from '../app/configuration-file.ts'
import { serve } from '../app/compose.ts'
import type { RunningServer } from '../app/compose.ts'
import { readEnvironment } from '../platform/config/environment.ts'
import type { Environment } from '../platform/config/environment.ts'
import { createLog } from '../platform/log.ts'
import type { Log } from '../platform/log.ts'
import type { Cli } from './cli.ts'
import { createStderrLog } from './command-log.ts'

/**
 * `latchkey serve`: runs until SIGTERM or SIGINT, then lets what is under way finish. With `--json` the one line on
 * standard output says where the server is, once it is ready; the log goes to standard error.
 * @throws ConfigError, DatabaseInUseError, NewerDatabaseError
 */
export async function serveCommand(env: NodeJS.ProcessEnv, { json }: Pick<Cli, 'json'>): Promise<void> {
  const environment = readEnvironment(env)
  const { logLevel, production } = environment
  const log = json ? createStderrLog(environment, logLevel) : createLog({ level: logLevel, pretty: !production })
  const configuration = await readConfigurationFile(environment, env)
  const server = await serve({ environment, configuration, log })
  if (json) process.stdout.write(`${JSON.stringify(summary(server))}\n`)
  else announce(environment, server, log)
  stopOnSignal(server, log)
}

const summary = (server: RunningServer) => ({
  PublicUrl: server.publicUrl,
  Port: server.port,
  DemoUrl: server.demoUrl,
  MailboxUrl: server.mailboxUrl,
  UserPools: server.services.directory
    .all()
    .map(({ id, name, issuer }) => ({ Id: id, PoolName: name, Issuer: issuer })),
})

function announce(environment: Environment, server: RunningServer, log: Log): void {
  const lines = [
    `Latchkey is ready at ${server.publicUrl}`,
    ...(server.demoUrl === undefined ? [] : [`  Try it:   ${server.demoUrl}`]),
    ...(server.mailboxUrl === undefined ? [] : [`  Mail:     ${server.mailboxUrl}`]),
    ...server.services.directory
      .all()
      .slice(0, 5)
      .map((userPool) => `  Issuer:   ${userPool.issuer}  (${userPool.name})`),
    ...(environment.databaseUrl === undefined ? [`  Data:     ${environment.dataDir} (embedded database)`] : []),
  ]
  if (environment.production) log.info({ publicUrl: server.publicUrl, port: server.port }, 'ready')
  else process.stdout.write(`\n${lines.join('\n')}\n\n`)
}

function stopOnSignal(server: RunningServer, log: Log): void {
  let stopping = false
  const stop = (signal: NodeJS.Signals): void => {
    if (stopping) process.exit(1)
    stopping = true
    log.info(`${signal}: finishing what is under way`)
    server.stop().then(
      () => process.exit(0),
      (error: unknown) => {
        log.error({ err: error as Error }, 'could not stop cleanly')
        process.exit(1)
      },
    )
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
}
