import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { CommandFailure } from '../app/administration/command-failure.ts'
import type { FirebaseHashParameters } from '../domain/user-import/imported-password.ts'
import type { Cli } from './cli.ts'
import { promptHidden } from './hidden-prompt.ts'
import { printable } from './printable.ts'
import { readSecret, secretFromStdin } from './read-secret.ts'

interface ImportFlags {
  pool?: string
  dryRun?: boolean
  restart?: boolean
  report?: string
  passphraseStdin?: boolean
  firebaseParameters?: string
}

const shortestPassphrase = 12

/** `latchkey import` and `latchkey export`: users with all that signs them in. What they need is loaded when they run. */
export function addImportCommands(program: Command, cli: Cli): void {
  const inPool = (command: Command): Command =>
    command.option('--pool <id>', 'the user pool, by id or name; the default one if absent')
  inPool(
    program.command('import').description('import users: Cognito’s CSV, JSON, Firebase’s export, or an export of ours'),
  )
    .argument('<file>', 'the file; a second run goes on where the first was broken off')
    .option('--dry-run', 'only say what would be imported and refused')
    .option('--restart', 'begin at the first row, although the file was imported before')
    .option('--report <file>', 'where refused rows are written, a JSON object a line (default: FILE.refused.jsonl)')
    .option('--firebase-parameters <file>', 'the project’s password hash parameters, as JSON')
    .option('--passphrase-stdin', 'read the passphrase of an export from standard input')
    .action(async (file: string, flags: ImportFlags) => {
      const { isSealedFile } = await import('./import/users-file.ts')
      if (!existsSync(file)) throw new CommandFailure('usage', `There is no file ${file}.`)
      const passphrase = (await isSealedFile(file)) ? await givenPassphrase(flags) : undefined
      const firebase = await firebaseParametersIn(flags.firebaseParameters)
      const { importFile } = await import('./import/import-file.ts')
      const { pool: userPool, dryRun = false, restart = false, report = `${file}.refused.jsonl` } = flags
      const summary = await cli.session((run) =>
        importFile(run, { file, userPool, dryRun, restart, report, passphrase, firebase }),
      )
      cli.answer(summary, ({ Imported, Refused, Report, DryRun, ResumedAfter }) =>
        [
          ...(ResumedAfter === undefined ? [] : [`Went on behind the ${ResumedAfter} rows of an earlier run.`]),
          `${DryRun ? 'Would import' : 'Imported'} ${counted(Imported, 'user')}; ${counted(Refused, 'row')} ${DryRun ? 'would be ' : ''}refused.`,
          ...(Report === undefined ? [] : [`Which, and why: ${printable(Report)}`]),
        ].join('\n'),
      )
    })
  inPool(
    program.command('export').description('export all users of a user pool with password hashes and factors, sealed'),
  )
    .argument('<file>', 'the file to be made, such as users.age')
    .option('--passphrase-stdin', 'read the passphrase from standard input')
    .option('--generate-passphrase', 'generate a passphrase and print it once')
    .action(async (file: string, flags: { pool?: string; passphraseStdin?: boolean; generatePassphrase?: boolean }) => {
      if (existsSync(file)) throw new CommandFailure('refused', `There is a file ${file} already.`)
      const { passphrase, isNew } = await chosenPassphrase(flags)
      const { exportToFile } = await import('./import/export-file.ts')
      const summary = await cli.session((run) => exportToFile(run, { file, userPool: flags.pool, passphrase }))
      cli.answer({ ...summary, ...(isNew ? { Passphrase: passphrase } : {}) }, ({ Users, File }) =>
        [
          `Exported ${counted(Users, 'user')} to ${printable(File)}.`,
          ...(isNew ? [`Passphrase: ${passphrase}`] : []),
        ].join('\n'),
      )
    })
}

const counted = (number: number, what: string): string => `${number} ${what}${number === 1 ? '' : 's'}`

async function givenPassphrase({ passphraseStdin }: ImportFlags): Promise<string> {
  if (passphraseStdin === true) return secretFromStdin('passphrase')
  if (!process.stdin.isTTY) throw new CommandFailure('usage', 'The file is sealed: use --passphrase-stdin.')
  return promptHidden({ input: process.stdin, output: process.stderr }, 'Passphrase: ')
}

async function chosenPassphrase(flags: {
  passphraseStdin?: boolean
  generatePassphrase?: boolean
}): Promise<{ passphrase: string; isNew: boolean }> {
  const given = await readSecret('passphrase', {
    fromStdin: flags.passphraseStdin === true,
    generate: flags.generatePassphrase === true,
    stdinOption: '--passphrase-stdin',
    generateOption: '--generate-passphrase',
  })
  if ('generate' in given) {
    const { randomBytes } = await import('node:crypto')
    return { passphrase: randomBytes(24).toString('base64url'), isNew: true }
  }
  if (given.value.length < shortestPassphrase) {
    throw new CommandFailure('usage', `The passphrase must have ${shortestPassphrase} characters or more.`)
  }
  return { passphrase: given.value, isNew: false }
}

async function firebaseParametersIn(path: string | undefined): Promise<FirebaseHashParameters | undefined> {
  if (path === undefined) return undefined
  const { firebaseParameters } = await import('../domain/user-import/firebase-user.ts')
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new CommandFailure('usage', `${path} cannot be read: ${(error as Error).message}`)
  })
  try {
    return firebaseParameters.parse(JSON.parse(text))
  } catch {
    throw new CommandFailure(
      'usage',
      `${path} must hold algorithm, base64_signer_key, base64_salt_separator, rounds and mem_cost, as JSON.`,
    )
  }
}
