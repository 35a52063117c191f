import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { pipeline as joined, Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { Decrypter } from 'age-encryption'
import { parser } from 'stream-json'
import { pick } from 'stream-json/filters/pick.js'
import { streamArray } from 'stream-json/streamers/stream-array.js'
import { CommandFailure } from '../../app/administration/command-failure.ts'
import { csvColumns, csvUser } from '../../domain/user-import/cognito-csv.ts'

/* Files of users, read a row at a time however large they are. */

/** A row by its line, or its place in the list: what it says, or why it cannot be read. */
export type FileRow = { row: number; user: Record<string, unknown> } | { row: number; problem: string }

/** What an export says of itself in its first line. */
export interface ExportHeader {
  Groups: { GroupName: string }[]
}

export interface UsersFile {
  header?: ExportHeader
  rows: AsyncIterable<FileRow>
}

const longestRow = 256 * 1024

/** SHA-256 in base64url: what a file is known by. @throws CommandFailure usage */
export async function hashOfFile(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash).catch((error: unknown) => {
    throw new CommandFailure('usage', `${path} cannot be read: ${(error as Error).message}`)
  })
  return hash.digest('base64url')
}

const beginningOf = async (path: string, bytes: number): Promise<Buffer> => {
  const file = await open(path)
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(bytes), 0, bytes, 0)
    return buffer.subarray(0, bytesRead)
  } finally {
    await file.close()
  }
}

const ageHeader = 'age-encryption.org/v1'

export const isSealedFile = async (path: string): Promise<boolean> =>
  (await beginningOf(path, ageHeader.length)).toString('latin1') === ageHeader

/**
 * @param seen told of the bytes of the file as they are read
 * @throws CommandFailure usage where it is no file of users; refused where the passphrase is another one
 */
export async function openUsersFile(
  path: string,
  { passphrase, seen }: { passphrase: string | undefined; seen: (bytes: number) => void },
): Promise<UsersFile> {
  const file = createReadStream(path)
  file.on('data', (chunk) => seen(chunk.length))
  const plain = passphrase === undefined ? file : await unsealed(file, passphrase)
  return readUsers(path, plain)
}

async function unsealed(file: Readable, passphrase: string): Promise<Readable> {
  const decrypter = new Decrypter()
  decrypter.addPassphrase(passphrase)
  try {
    return Readable.fromWeb((await decrypter.decrypt(Readable.toWeb(file) as never)) as never)
  } catch (error) {
    throw new CommandFailure('refused', 'The file does not open with this passphrase.', { cause: error })
  }
}

/** By what it begins with: a list, a document that holds one, a user a line, or column names. */
async function readUsers(path: string, plain: Readable): Promise<UsersFile> {
  const chunks = plain[Symbol.asyncIterator]() as AsyncIterator<Buffer>
  const head: Buffer[] = []
  let text = ''
  while (!text.includes('\n') && text.length < longestRow) {
    const next = await chunks.next()
    if (next.done === true) break
    head.push(Buffer.from(next.value))
    text = Buffer.concat(head).toString('utf8')
  }
  const whole = Readable.from(
    (async function* () {
      yield* head
      for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) yield next.value
    })(),
  )
  const [firstLine = ''] = text.replace(/^\u{FEFF}/u, '').split('\n')
  const first = parseObject(firstLine)
  if (firstLine.trimStart().startsWith('[')) return { rows: listed(whole, undefined) }
  if (first === undefined && /^\s*\{/.test(firstLine)) return { rows: listed(whole, /^(users|Users)$/) }
  if (first !== undefined && ('users' in first || 'Users' in first)) {
    return { rows: listed(whole, /^(users|Users)$/) }
  }
  const lines = numbered(whole)
  if (first === undefined) return { rows: await csvRows(path, lines) }
  if (first['Latchkey'] !== 'export') return { rows: jsonRows(lines) }
  await lines.next()
  return { header: first as unknown as ExportHeader, rows: jsonRows(lines) }
}

interface Line {
  number: number
  text: string
}

async function* numbered(stream: Readable): AsyncGenerator<Line> {
  let number = 0
  for await (const text of createInterface({ input: stream, crlfDelay: Infinity })) {
    number += 1
    if (text.trim() !== '') yield { number, text }
  }
}

async function* jsonRows(lines: AsyncIterable<Line>): AsyncGenerator<FileRow> {
  for await (const { number, text } of lines) {
    const user = parseObject(text)
    yield user === undefined ? { row: number, problem: 'is no JSON object' } : fit({ row: number, user }, text.length)
  }
}

async function csvRows(path: string, lines: AsyncGenerator<Line>): Promise<AsyncIterable<FileRow>> {
  const first = await lines.next()
  const read = first.done === true ? { problem: 'is empty' } : csvColumns(first.value.text)
  if ('problem' in read) {
    throw new CommandFailure(
      'usage',
      `${path} is no JSON, and as CSV its first line is not Cognito's: ${read.problem}.`,
    )
  }
  const { columns } = read
  return (async function* () {
    for await (const { number, text } of lines) {
      const user = csvUser(columns, text)
      yield 'problem' in user ? { row: number, ...user } : fit({ row: number, user: user.user }, text.length)
    }
  })()
}

/** The members of a list, the whole of the document or one of its members. */
async function* listed(stream: Readable, member: RegExp | undefined): AsyncGenerator<FileRow> {
  const filters = member === undefined ? [] : [pick.asStream({ filter: member, once: true })]
  // An error ends the last one, and is met where that is read.
  const members = joined([stream, parser.asStream(), ...filters, streamArray.asStream()], () => undefined)
  try {
    for await (const { key, value } of members as unknown as AsyncIterable<{ key: number; value: unknown }>) {
      const row = key + 1
      const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
      yield isObject
        ? fit({ row, user: value as Record<string, unknown> }, JSON.stringify(value).length)
        : { row, problem: 'is no JSON object' }
    }
  } catch (error) {
    throw new CommandFailure('usage', `The file is no well-formed JSON: ${(error as Error).message}`, { cause: error })
  }
}

/** What the database can hold no part of is for the report. */
function fit(row: { row: number; user: Record<string, unknown> }, length: number): FileRow {
  if (length > longestRow) return { row: row.row, problem: 'is longer than any user’s data' }
  const holdsZero = JSON.stringify(row.user).includes('\\u0000')
  return holdsZero ? { row: row.row, problem: 'holds a zero byte' } : row
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value = JSON.parse(text) as unknown
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined
  } catch {
    return undefined
  }
}
