import { createInterface } from 'node:readline/promises'
import { CommandFailure } from '../app/administration/command-failure.ts'

/**
 * Asks before something is lost for good. Where nobody can answer, `--yes` must have.
 * @throws CommandFailure refused
 */
export async function confirm(question: string, yes: boolean | undefined): Promise<void> {
  if (yes === true) return
  if (!process.stdin.isTTY) {
    throw new CommandFailure('refused', `${question} Say so with --yes: there is no terminal to ask on.`)
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  try {
    const answer = await terminal.question(`${question} [y/N] `)
    if (!/^y(es)?$/i.test(answer.trim())) throw new CommandFailure('refused', 'Nothing was changed.')
  } finally {
    terminal.close()
  }
}
