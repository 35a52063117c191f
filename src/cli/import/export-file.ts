import { createWriteStream } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { Encrypter } from 'age-encryption'
import { CommandFailure } from '../../app/administration/command-failure.ts'
import type { Run } from '../on-database.ts'

const pageUsers = 200

export interface ExportSummary {
  UserPoolId: string
  Users: number
  File: string
}

/**
 * Writes all users of a pool into a file, a JSON object a line, sealed with a passphrase in the age format
 * (age-encryption.org/v1): it can be opened with the program age as well. It has its name once it is whole.
 * @throws CommandFailure refused where there is a file of that name
 */
export async function exportToFile(
  run: Run,
  { file, userPool, passphrase }: { file: string; userPool: string | undefined; passphrase: string },
): Promise<ExportSummary> {
  const begun = await run('export.begin', { userPool })
  let users = 0
  const lines = async function* (): AsyncGenerator<Uint8Array> {
    yield Buffer.from(`${JSON.stringify({ Latchkey: 'export', Version: 1, ...begun })}\n`)
    let after: string | undefined
    do {
      const page = await run('export.users', { userPool, limit: pageUsers, ...(after === undefined ? {} : { after }) })
      users += page.Users.length
      if (page.Users.length > 0) yield Buffer.from(page.Users.map((user) => `${JSON.stringify(user)}\n`).join(''))
      after = page.NextToken
    } while (after !== undefined)
  }
  const encrypter = new Encrypter()
  encrypter.setPassphrase(passphrase)
  const sealed = await encrypter.encrypt(Readable.toWeb(Readable.from(lines(), { objectMode: false })) as never)
  const partial = `${file}.partial`
  try {
    await pipeline(Readable.fromWeb(sealed as never), createWriteStream(partial, { flags: 'wx', mode: 0o600 }))
    await rename(partial, file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') {
      throw new CommandFailure('refused', `${partial} is there already: is an export under way? Else remove it.`)
    }
    await rm(partial, { force: true })
    throw error
  }
  return { UserPoolId: begun.UserPoolId, Users: users, File: file }
}
