import { readConfigurationFile } from '../app/configuration-file.ts'
import { serve } from '../app/compose.ts'
import type { RunningServer } from '../app/compose.ts'
import { readEnvironment } from '../platform/config/environment.ts'
import type { Environment } from '../platform/config/environment.ts'
import { createLog } from '../platform/log.ts'
import type { Log } from '../platform/log.ts'

/** `latchkey serve`: runs until SIGTERM or SIGINT, then lets what is under way finish. */
export async function serveCommand(env: NodeJS.ProcessEnv): Promise<void> {
  const environment = readEnvironment(env)
  const log = createLog({ level: environment.logLevel, pretty: !environment.production })
  const configuration = await readConfigurationFile(environment, env)
  const server = await serve({ environment, configuration, log })
  announce(environment, server, log)
  stopOnSignal(server, log)
}

function announce(environment: Environment, server: RunningServer, log: Log): void {
  const lines = [
    `Latchkey is ready at ${server.publicUrl}`,
    ...(server.demoUrl === undefined ? [] : [`  Try it:   ${server.demoUrl}`]),
    ...(server.mailboxUrl === undefined ? [] : [`  Mail:     ${server.mailboxUrl}`]),
    ...server.services.directory.all().slice(0, 5).map((userPool) => `  Issuer:   ${userPool.issuer}  (${userPool.name})`),
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
