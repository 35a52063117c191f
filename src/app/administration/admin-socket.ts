import { rmSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import type { Random } from '../../platform/random.ts'

/** The one path that the admin channel answers on. */
export const adminPath = '/command'

/** Where the admin channel listens. */
export interface AdminSocket {
  path: string
  remove(): Promise<void>
}

const folderPrefix = 'latchkey-'

/** sun_path holds 104 bytes on macOS and the BSDs, 108 on Linux, the closing NUL among them. */
const maximumPathBytes = 103

/** A name for a socket in a fresh folder that is its owner's alone (mkdtemp makes it 0700); a named pipe on Windows. */
export async function makeAdminSocket(random: Random): Promise<AdminSocket> {
  if (process.platform === 'win32') {
    return { path: `\\\\.\\pipe\\${folderPrefix}${random.uuid()}`, remove: async () => undefined }
  }
  const name = 'admin.sock'
  const fits = (parent: string): boolean =>
    Buffer.byteLength(join(parent, `${folderPrefix}XXXXXX`, name)) <= maximumPathBytes
  const folder = await mkdtemp(join(fits(tmpdir()) ? tmpdir() : '/tmp', folderPrefix))
  // A process that ends without stopping its server (a second Ctrl-C) leaves nothing behind either.
  const removeAtExit = (): void => rmSync(folder, { recursive: true, force: true })
  process.once('exit', removeAtExit)
  return {
    path: join(folder, name),
    async remove() {
      process.off('exit', removeAtExit)
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** Clears away what a server that was killed has left behind. Only ever a folder of the form that is made above. */
export async function removeLeftover(path: string | undefined): Promise<void> {
  if (path === undefined || process.platform === 'win32') return
  const folder = dirname(path)
  const ours = basename(path) === 'admin.sock' && /^latchkey-\w{6}$/.test(basename(folder))
  if (ours && [tmpdir(), '/tmp'].includes(dirname(folder))) await rm(folder, { recursive: true, force: true })
}
