import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'

/** Long enough for any line of such a file: 40 digits, a colon, a count. */
const windowBytes = 256

/**
 * A file of SHA-1 hashes in hexadecimal, one a line and sorted, as the well-known lists come; what stands behind a colon is a
 * count, and not read. Hashes may be cut to a prefix of 10 digits or more, all to the same length. A lookup reads a few
 * hundred bytes some thirty times, however long the file is.
 * @throws when the file cannot be read, or is no such list
 */
export async function openHashFile(
  path: string,
): Promise<{ has(password: string): Promise<boolean>; close(): Promise<void> }> {
  const file = await open(path, 'r')
  const first = await lineAt(file, 0)
  if (!/^[\dA-F]{10,40}$/i.test(first.hash)) {
    await file.close()
    throw new Error('its first line is not a SHA-1 hash in hexadecimal')
  }
  const { length } = first.hash
  const { size } = await file.stat()
  return {
    close: () => file.close(),
    has: (password) => search(file, size, createHash('sha1').update(password, 'utf8').digest('hex').slice(0, length)),
  }
}

interface Line {
  /** In capitals; empty behind the last line. */
  hash: string
  /** Where the line begins, and the next one. */
  start: number
  next: number
}

async function search(file: FileHandle, size: number, hash: string): Promise<boolean> {
  const wanted = hash.toUpperCase()
  let low = 0
  let high = size
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    const line = await lineAt(file, middle)
    if (line.hash === wanted) return true
    // The line that `middle` is within begins before it; those behind begin at `next`.
    if (line.hash !== '' && line.hash < wanted) low = line.next
    else high = middle
  }
  return (await lineAt(file, low)).hash === wanted
}

/** The first line that begins at `position` or behind it. */
async function lineAt(file: FileHandle, position: number): Promise<Line> {
  const from = Math.max(0, position - 1)
  const { buffer, bytesRead } = await file.read(Buffer.alloc(windowBytes), 0, windowBytes, from)
  const text = buffer.toString('latin1', 0, bytesRead)
  const skipped = position === 0 ? 0 : text.indexOf('\n') + 1
  if (position !== 0 && skipped === 0) return { hash: '', start: position, next: position }
  const [line = ''] = text.slice(skipped).split('\n', 1)
  const start = from + skipped
  const [hash = ''] = line.trim().split(':', 1)
  return { hash: hash.toUpperCase(), start, next: start + line.length + 1 }
}
