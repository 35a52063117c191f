import { noBreachedPasswords } from '../domain/ports/breached-passwords.ts'
import type { BreachedPasswords } from '../domain/ports/breached-passwords.ts'
import { ConfigError } from '../platform/config/config-error.ts'
import type { Log } from '../platform/log.ts'
import { openHashFile } from '../security/breached-passwords/hash-file.ts'
import { createRangeService } from '../security/breached-passwords/range-service.ts'

/** What is asked, and let go of at the end. */
type OpenList = BreachedPasswords & { close(): Promise<void> }

const nothingToClose = { close: () => Promise.resolve() }

/** As BREACHED_PASSWORDS names them: a file, or a range service. @throws ConfigError when the file cannot be used */
export async function openBreachedPasswords(from: string | undefined, log: Log): Promise<OpenList> {
  if (from === undefined) return { ...noBreachedPasswords, ...nothingToClose }
  const isService = /^https:\/\//.test(from)
  const list = isService ? { ...createRangeService(from), ...nothingToClose } : await openFile(from)
  return {
    close: () => list.close(),
    async has(password) {
      try {
        return await list.has(password)
      } catch (error) {
        log.warn({ reason: (error as Error).message }, 'the list of breached passwords could not be asked')
        return false
      }
    },
  }
}

async function openFile(path: string): Promise<OpenList> {
  try {
    return await openHashFile(path)
  } catch (error) {
    throw new ConfigError([`BREACHED_PASSWORDS cannot be used: ${path}: ${(error as Error).message}`])
  }
}
