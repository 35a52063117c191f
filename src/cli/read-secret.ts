import { buffer } from 'node:stream/consumers'
import { CommandFailure } from '../app/administration/command-failure.ts'
import { promptHidden } from './hidden-prompt.ts'

/** How a command is told a secret; never by its arguments, which every process of the machine can read. */
export type GivenSecret = { value: string } | { generate: true }

const maximumSecretBytes = 4096

/**
 * @param what names the secret in messages: `password`
 * @throws CommandFailure usage when there is no way to ask, or more than one was chosen
 */
export async function readSecret(
  what: string,
  chosen: { fromStdin: boolean; generate: boolean; stdinOption: string; generateOption: string },
): Promise<GivenSecret> {
  const { fromStdin, generate, stdinOption, generateOption } = chosen
  if (fromStdin && generate) throw new CommandFailure('usage', `Use either ${stdinOption} or ${generateOption}.`)
  if (generate) return { generate: true }
  if (fromStdin) return { value: await secretFromStdin(what) }
  if (process.stdin.isTTY) return { value: await promptTwice(what) }
  throw new CommandFailure('usage', `Where does the ${what} come from? Use ${stdinOption} or ${generateOption}.`)
}

/** One line from standard input, without its line break. @throws CommandFailure usage */
export async function secretFromStdin(what: string): Promise<string> {
  const bytes = await buffer(process.stdin)
  const value = bytes.toString('utf8').replace(/\r?\n$/, '')
  if (value === '') throw new CommandFailure('usage', `There was no ${what} on standard input.`)
  if (bytes.length > maximumSecretBytes || /[\r\n]/.test(value)) {
    throw new CommandFailure('usage', `The ${what} on standard input must be one line of at most 4096 bytes.`)
  }
  return value
}

async function promptTwice(what: string): Promise<string> {
  const terminal = { input: process.stdin, output: process.stderr }
  const value = await promptHidden(terminal, `New ${what}: `)
  if (value === '') throw new CommandFailure('usage', `There was no ${what}.`)
  if ((await promptHidden(terminal, `The same ${what} again: `)) === value) return value
  throw new CommandFailure('refused', `The two ${what}s differ; nothing was changed.`)
}
