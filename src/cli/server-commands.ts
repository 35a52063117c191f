import type { Command } from 'commander'
import type { Cli } from './cli.ts'
import { releaseVersion } from './version.ts'

/** `serve`, `migrate` and `version`. What they need is loaded when they run. */
export function addServerCommands(program: Command, cli: Cli): void {
  program
    .command('serve')
    .description('apply the configuration and serve until SIGTERM or SIGINT')
    .option('--config <file>', 'the configuration file, in place of LATCHKEY_CONFIG')
    .option('--dry-run', 'print what applying the configuration would change, and change nothing')
    .action(async (options: { config?: string; dryRun?: boolean }) => {
      const env = options.config === undefined ? cli.env : { ...cli.env, LATCHKEY_CONFIG: options.config }
      if (options.dryRun === true) return (await import('./serve-dry-run.ts')).serveDryRun(cli, env)
      return (await import('./serve.ts')).serveCommand(env, cli)
    })
  program
    .command('migrate')
    .description('bring the database up to date')
    .option('--dry-run', 'print what would be applied, and apply nothing')
    .action(async (options: { dryRun?: boolean }) => {
      await (await import('./migrate.ts')).migrateCommand(cli, options.dryRun === true)
    })
  program
    .command('version')
    .description('print the version')
    .action(() => cli.answer({ Version: releaseVersion() }, ({ Version }) => Version))
}
