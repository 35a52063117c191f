import type { Command } from 'commander'
import type { SigningKeyView } from '../app/administration/key-commands.ts'
import { CommandFailure } from '../app/administration/command-failure.ts'
import type { Cli } from './cli.ts'
import { confirm } from './confirm.ts'
import { table } from './printable.ts'

interface RotateOptions {
  pool?: string
  all?: boolean
  now?: boolean
  revokeOld?: boolean
  list?: boolean
  yes?: boolean
}

/** `latchkey rotate-keys`: the keys that sign a user pool's tokens. */
export function addKeyCommands(program: Command, cli: Cli): void {
  program
    .command('rotate-keys')
    .description('give a user pool new signing keys; tokens and sessions at hand stay good')
    .option('--pool <id>', 'the user pool by its id or name; the default one if absent')
    .option('--all', 'all user pools')
    .option('--now', 'the new keys sign at once, and not only when applications have had time to read them')
    .option('--revoke-old', 'delete the former keys: tokens that they signed are refused at once')
    .option('--list', 'show the keys and change nothing')
    .option('--yes', 'do not ask')
    .action((options: RotateOptions) => rotateKeys(options, cli))
}

async function rotateKeys({ pool, all, now, revokeOld, list, yes }: RotateOptions, cli: Cli): Promise<void> {
  if (pool !== undefined && all === true) throw new CommandFailure('usage', 'Give --pool or --all, not both.')
  const which = { userPool: pool, all }
  if (list === true) {
    return cli.answer(await cli.run('keys.list', which), ({ SigningKeys: keys }) => keyTable(keys))
  }
  if (revokeOld === true) {
    await confirm('Refuse every token that was issued until now? Applications need to refresh theirs.', yes)
  }
  const rotated = await cli.run('keys.rotate', { ...which, now, revokeOld })
  cli.answer(rotated, ({ SigningKeys: keys, LeadSeconds }) => {
    const waits = keys.some(({ State }) => State === 'next')
    const hint = `The keys marked "next" are published now and sign in ${LeadSeconds / 60} minutes at the latest.`
    return [keyTable(keys), ...(waits ? [hint] : [])].join('\n')
  })
}

const keyTable = (keys: readonly SigningKeyView[]): string =>
  table(
    ['USER POOL', 'USE', 'ALGORITHM', 'STATE', 'SIGNS FROM', 'PUBLISHED UNTIL', 'KEY ID'],
    keys.map((key) => [
      ...[key.UserPoolId, key.Use, key.Algorithm, key.State, key.SignsFrom, key.PublishedUntil ?? '', key.KeyId],
    ]),
  )
