import type { Command } from 'commander'
import type { Cli } from './cli.ts'
import { printable, table } from './printable.ts'

interface PoolOption {
  pool?: string
}

/** `latchkey events …`: who is told of what happens, and how far. */
export function addEventCommands(program: Command, cli: Cli): void {
  const events = program.command('events').description('receivers of a user pool’s events (EventWebhooks)')
  const inPool = (command: Command): Command =>
    command.option('--pool <id>', 'the user pool, by id or name; the default one if absent')
  inPool(events.command('list').description('list receivers, and how far each has been told')).action(
    async ({ pool }: PoolOption) => {
      cli.answer(await cli.run('events.list', { userPool: pool }), ({ Receivers }) =>
        Receivers.length === 0
          ? 'No receivers.'
          : table(
              ['NAME', 'TOLD UP TO', 'DELIVERED', 'TRIED', 'SKIPPED', 'LAST ERROR'],
              Receivers.map((receiver) => [
                receiver.Name,
                String(receiver.Sequence ?? ''),
                receiver.DeliveredAt ?? '',
                String(receiver.Attempts ?? ''),
                String(receiver.Skipped ?? ''),
                receiver.LastError ?? '',
              ]),
            ),
      )
    },
  )
  inPool(events.command('replay').description('tell a receiver again of what has happened since a time'))
    .argument('<name>', 'the receiver')
    .requiredOption('--from <time>', 'such as 2026-11-25T09:30:00Z')
    .action(async (name: string, { pool, from }: PoolOption & { from: string }) => {
      const answer = await cli.run('events.replay', { userPool: pool, name, from })
      cli.answer(
        answer,
        ({ FromSequence, From }) => `${printable(name)} is told from event ${FromSequence} (${From}) on.`,
      )
    })
  inPool(events.command('test').description('send a receiver an event of the type Test'))
    .argument('<name>', 'the receiver')
    .action(async (name: string, { pool }: PoolOption) => {
      const answer = await cli.run('events.test', { userPool: pool, name })
      cli.answer(answer, (sent) => ('Problem' in sent ? `Not delivered: ${printable(sent.Problem)}` : 'Delivered.'))
    })
}
