import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openHashFile } from '../../src/security/breached-passwords/hash-file.ts'
import { createRangeService } from '../../src/security/breached-passwords/range-service.ts'

const sha1 = (text: string): string => createHash('sha1').update(text).digest('hex').toUpperCase()

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'breached-'))
})
afterAll(() => rm(folder, { recursive: true }))

describe('a file of hashes', () => {
  const known = Array.from({ length: 500 }, (_, index) => `Known-password-${index}`)
  const write = async (name: string, lines: readonly string[], end = '\n'): Promise<string> => {
    const path = join(folder, name)
    await writeFile(path, lines.join(end) + end)
    return path
  }

  test.each<[string, (hash: string, index: number) => string, string]>([
    ['with counts, as they come', (hash, index) => `${hash}:${index * 7_919 + 1}`, '\r\n'],
    ['of hashes alone', (hash) => hash, '\n'],
    ['of prefixes, in small letters', (hash) => hash.slice(0, 16).toLowerCase(), '\n'],
  ])('%s has each of its passwords and no other', async (name, line, end) => {
    const list = await openHashFile(await write(name, known.map(sha1).sort().map(line), end))
    for (const password of known) expect([password, await list.has(password)]).toEqual([password, true])
    for (let index = 0; index < 200; index += 1) expect(await list.has(`Another-password-${index}`)).toBe(false)
    await list.close()
  })

  test('of one line, and one without an end', async () => {
    const path = join(folder, 'one')
    await writeFile(path, sha1('password'))
    const list = await openHashFile(path)
    expect([await list.has('password'), await list.has('Password'), await list.has('')]).toEqual([true, false, false])
    await list.close()
    // The best known of all, as every such list has it.
    expect(sha1('password')).toBe('5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8')
  })

  test.each([
    ['passwords themselves', 'password\n123456\n'],
    ['nothing', ''],
  ])('of %s is none', async (name, text) => {
    const path = join(folder, name)
    await writeFile(path, text)
    await expect(openHashFile(path)).rejects.toThrow('SHA-1')
  })
})

describe('a range service', () => {
  const asked: { url: string | undefined; padding: string | undefined }[] = []
  const hash = sha1('password')
  let answer: (response: ServerResponse) => void = () => {}
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    if (request.url === '/elsewhere') return response.end(`${hash.slice(5)}:1\r\n`)
    asked.push({ url: request.url, padding: String(request.headers['add-padding']) })
    answer(response)
  })
  let list: { has(password: string): Promise<boolean> }
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    list = createRangeService(`http://127.0.0.1:${(server.address() as AddressInfo).port}/range/`)
  })
  afterAll(() => server.close())

  test('is told five digits of the hash, and knows by the rest', async () => {
    answer = (response) => response.end(`0018A45C4D1DEF81644B54AB7F969B88D65:3\r\n${hash.slice(5)}:9545824\r\n`)
    expect(await list.has('password')).toBe(true)
    expect(asked).toEqual([{ url: `/range/${hash.slice(0, 5)}`, padding: 'true' }])
    expect(await list.has('something else')).toBe(false)
  })

  test('may pad its answer with what stands for nothing', async () => {
    answer = (response) => response.end(`${hash.slice(5)}:0\r\n`)
    expect(await list.has('password')).toBe(false)
  })

  test.each<[string, (response: ServerResponse) => void]>([
    ['refuses', (response) => response.writeHead(429).end()],
    ['leads elsewhere', (response) => response.writeHead(302, { Location: '/elsewhere' }).end()],
    ['does not end', (response) => void response.end('A'.repeat(600 * 1024))],
    ['breaks off', (response) => void response.socket?.destroy()],
  ])('that %s is an error, and no answer', async (_what, give) => {
    answer = give
    await expect(list.has('password')).rejects.toThrow()
  })
})
