import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Command } from 'commander'
import type { InputOf } from '../app/administration/commands.ts'
import type { MessagePreview } from '../app/administration/mail-preview.ts'
import type { Cli } from './cli.ts'
import { fields, printable, table } from './printable.ts'

interface PreviewFlags {
  pool?: string
  client?: string
  language?: string[]
  sms?: boolean
  out?: string
}

/** `latchkey mail …`: what messages look like, and what the outbox has given up on. */
export function addMailCommands(program: Command, cli: Cli): void {
  const mail = program.command('mail').description('messages: what they look like, and those that could not be sent')
  mail
    .command('preview')
    .description('show messages as they would leave, with made-up values; nothing is sent')
    .argument('[name]', 'only this one, such as ForgotPassword')
    .option('--pool <id>', 'the user pool, by id or name; the default one if absent')
    .option('--client <client-id>', 'in the words of this app client')
    .option('--language <tag...>', 'as people ask for it, best first: de-AT en')
    .option('--sms', 'as SMS')
    .option('--out <folder>', 'write them there, as HTML and as text, to be opened in a browser')
    .action(async (name: PreviewName | undefined, { pool, client, language, sms, out }: PreviewFlags) => {
      const answer = await cli.run('mail.preview', {
        ...{ userPool: pool, name, client, languages: language },
        medium: sms === true ? 'SMS' : 'EMAIL',
      })
      if (out !== undefined) await writePreviews(out, answer.Messages)
      cli.answer(answer, ({ Messages }) =>
        out === undefined
          ? Messages.map(previewText).join('\n\n')
          : `${Messages.length} messages are in ${printable(out)}.`,
      )
    })
  addDeadLetters(mail, cli)
}

type PreviewName = NonNullable<InputOf<'mail.preview'>['name']>

function previewText(message: MessagePreview): string {
  const head = { Message: message.Name, From: message.From, ReplyTo: message.ReplyTo, Subject: message.Subject }
  // A line each, so that nothing in it can move the cursor.
  const body = message.Text.split('\n').map((line) => `  ${printable(line)}`)
  return [fields(head), ...body].join('\n')
}

async function writePreviews(folder: string, messages: readonly MessagePreview[]): Promise<void> {
  await mkdir(folder, { recursive: true })
  for (const { Name, Subject, Text, Html } of messages) {
    await writeFile(join(folder, `${Name}.txt`), `${Subject}\n\n${Text}\n`)
    if (Html !== undefined) await writeFile(join(folder, `${Name}.html`), Html)
  }
}

function addDeadLetters(mail: Command, cli: Cli): void {
  mail
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
