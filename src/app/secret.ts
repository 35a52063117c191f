import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Environment } from '../platform/config/environment.ts'
import { ConfigError } from '../platform/config/config-error.ts'
import type { Random } from '../platform/random.ts'

/**
 * LATCHKEY_SECRET, or on the embedded database one that is made once and kept in DATA_DIR, readable by its owner alone
 * (design decision 13).
 */
export async function resolveSecret(environment: Environment, random: Random): Promise<string> {
  if (environment.secret !== undefined) return environment.secret
  if (environment.dataDir.startsWith('memory://')) return random.handle()
  const path = join(environment.dataDir, 'secret')
  await mkdir(environment.dataDir, { recursive: true, mode: 0o700 })
  try {
    // `wx`: of two first starts at once, one makes it and both read it.
    await writeFile(path, random.bytes(32).toString('base64url'), { flag: 'wx', mode: 0o600 })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  const secret = (await readFile(path, 'utf8')).trim()
  if (secret.length < 32)
    throw new ConfigError([`${path} is damaged: it must hold the secret that the database was sealed with`])
  await chmod(path, 0o600)
  return secret
}
