import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import type { InvocationView } from '../app/administration/trigger-commands.ts'
import { CommandFailure } from '../app/administration/command-failure.ts'
import type { TriggerName } from '../domain/triggers/trigger-target.ts'
import type { Cli } from './cli.ts'
import { printable, table } from './printable.ts'

/** `latchkey trigger …`: what hooks were asked and said, and how to ask one by hand. */
export function addTriggerCommands(program: Command, cli: Cli): void {
  const trigger = program.command('trigger').description('hooks of a user pool: Cognito’s Lambda triggers')
  trigger
    .command('log')
    .description('list the times that triggers were asked, newest first')
    .argument('[name]', 'only this one, such as PreSignUp')
    .option('--pool <id>', 'the user pool, by id or name; the default one if absent')
    .option('--limit <number>', 'how many at most', '20')
    .action(async (name: TriggerName | undefined, { pool, limit }: { pool?: string; limit: string }) => {
      const answer = await cli.run('trigger.log', { userPool: pool, trigger: name, limit: Number(limit) })
      cli.answer(answer, ({ Invocations }) => invocationTable(Invocations))
    })
  trigger
    .command('test')
    .description('ask a trigger once, with an event from a file, and show its answer')
    .argument('<name>', 'such as PreSignUp')
    .requiredOption('--event <file>', 'the event, as JSON')
    .option('--pool <id>', 'the user pool, by id or name; the default one if absent')
    .action(async (name: TriggerName, { pool, event }: { pool?: string; event: string }) => {
      const answer = await cli.run('trigger.test', { userPool: pool, trigger: name, event: await readEvent(event) })
      cli.answer(answer, ({ Outcome, DurationMs, ...said }) =>
        [
          `${Outcome} after ${DurationMs} ms`,
          'Problem' in said ? printable(said.Problem) : JSON.stringify(said.Answer, null, 2),
        ].join('\n'),
      )
    })
}

async function readEvent(file: string): Promise<{ triggerSource: string }> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as { triggerSource: string }
  } catch (error) {
    throw new CommandFailure('usage', `${file} cannot be read as JSON: ${(error as Error).message}`)
  }
}

function invocationTable(invocations: readonly InvocationView[]): string {
  if (invocations.length === 0) return 'No trigger was asked.'
  return table(
    ['CREATED', 'SOURCE', 'OUTCOME', 'MS', 'TIMES', 'PROBLEM'],
    invocations.map((invocation) => [
      invocation.CreationDate,
      invocation.TriggerSource,
      invocation.Outcome,
      String(invocation.DurationMs),
      String(invocation.Attempts),
      invocation.Problem ?? '',
    ]),
  )
}
