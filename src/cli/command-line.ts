import { Command, CommanderError } from 'commander'
import type { Environment } from '../platform/config/environment.ts'
import { createCli } from './cli.ts'
import type { Cli } from './cli.ts'
import { addAuditCommands } from './audit-commands.ts'
import { addClientCommands } from './client-commands.ts'
import { exitStatus, exitStatusHelp } from './exit-status.ts'
import { explainError } from './explain-error.ts'
import { addEventCommands } from './event-commands.ts'
import { addImportCommands } from './import-commands.ts'
import { addKeyCommands } from './key-commands.ts'
import { addMailCommands } from './mail-commands.ts'
import { addPoolCommands } from './pool-commands.ts'
import { printable } from './printable.ts'
import { addResourceServerCommands } from './resource-server-commands.ts'
import { addServerCommands } from './server-commands.ts'
import { addTriggerCommands } from './trigger-commands.ts'
import { addUserCommands } from './user-commands.ts'
import { releaseVersion } from './version.ts'

/**
 * Runs one command (design §5). Answers go to standard output; errors, a line each, and logs to standard error.
 * @param argv without the program's own name
 * @returns the exit status; a server that was started goes on running
 */
export async function runCommandLine(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  // A reader that has seen enough (`| head`) is no failure.
  process.stdout.on('error', (error: NodeJS.ErrnoException) =>
    process.exit(error.code === 'EPIPE' ? 0 : exitStatus.failed),
  )
  const cli = createCli(env)
  try {
    await createProgram(cli).parseAsync([...argv], { from: 'user' })
    return exitStatus.done
  } catch (error) {
    // Commander has said what was wrong; asked for help or the version, it ends with 0.
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitStatus.done : exitStatus.usage
    return reportFailure(error, cli)
  }
}

function createProgram(cli: Cli): Command {
  const program = new Command('latchkey')
    .description('A self-hosted server that does what Amazon Cognito does.')
    .version(releaseVersion(), '-V, --version', 'print the version')
    .option('--json', 'print machine-readable output only')
    .configureHelp({ showGlobalOptions: true })
    .showHelpAfterError('(--help tells more)')
    .addHelpText('afterAll', exitStatusHelp)
    // Inherited by the commands below, hence before them.
    .exitOverride()
    .hook('preAction', () => {
      cli.json = program.opts<{ json?: boolean }>().json === true
    })
  addServerCommands(program, cli)
  addUserCommands(program, cli)
  addImportCommands(program, cli)
  addPoolCommands(program, cli)
  addClientCommands(program, cli)
  addResourceServerCommands(program, cli)
  addKeyCommands(program, cli)
  addMailCommands(program, cli)
  addTriggerCommands(program, cli)
  addEventCommands(program, cli)
  addAuditCommands(program, cli)
  return program
}

function reportFailure(error: unknown, cli: Cli): number {
  const { message, status } = explainError(error, environmentOf(cli))
  process.stderr.write(`latchkey: ${message.split('\n').map(printable).join('\n')}\n`)
  if (/^(debug|trace)$/.test(cli.env['LOG_LEVEL'] ?? '') && error instanceof Error) {
    process.stderr.write(`${error.stack ?? ''}\n`)
  }
  return status
}

function environmentOf(cli: Cli): Environment | undefined {
  try {
    return cli.environment()
  } catch {
    return undefined
  }
}
