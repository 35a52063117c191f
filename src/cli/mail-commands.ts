import type { Command } from 'commander'
import type { Cli } from './cli.ts'
import { table } from './printable.ts'

/** `latchkey mail …`: what the outbox has given up on. */
export function addMailCommands(program: Command, cli: Cli): void {
  program
    .command('mail')
    .description('messages that could not be sent')
    .command('dead-letters')
    .description('list messages that were given up on, newest first')
    .option('--retry', 'put all of them back in the queue')
    .action(async (options: { retry?: boolean }) => {
      if (options.retry === true) {
        cli.answer(await cli.run('mail.retry', {}), ({ Retried }) => `${Retried} back in the queue.`)
        return
      }
      cli.answer(await cli.run('mail.deadLetters', {}), ({ DeadLetters: letters }) =>
        letters.length === 0
          ? 'No dead letters.'
          : table(
              ['CREATED', 'ID', 'USER POOL', 'ERROR'],
              letters.map((letter) => [letter.CreatedAt, letter.Id, letter.UserPoolId, letter.Error]),
            ),
      )
    })
}
