import type { BreachedPasswords } from '../domain/ports/breached-passwords.ts'
import { noBreachedPasswords } from '../domain/ports/breached-passwords.ts'
import { ConfigError } from '../platform/config/config-error.ts'
import type { Log } from '../platform/log.ts'
import { openHashFile } from '../security/breached-passwords/hash-file.ts'
import { createRangeService } from '../security/breached-passwords/range-service.ts'

/** As BREACHED_PASSWORDS names them: a file, or a range service. @throws ConfigError when the file cannot be used */
export async function openBreachedPasswords(from: string | undefined, log: Log): Promise<BreachedPasswords> {
  if (from === undefined) return noBreachedPasswords
  const list = /^https:\/\//.test(from) ? createRangeService(from) : await openFile(from)
  return {
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

async function openFile(path: string): Promise<{ has(password: string): Promise<boolean> }> {
  try {
    return await openHashFile(path)
  } catch (error) {
    throw new ConfigError([`BREACHED_PASSWORDS cannot be used: ${path}: ${(error as Error).message}`])
  }
}
