import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { resolveSecret } from '../../src/app/secret.ts'
import { readEnvironment } from '../../src/platform/config/environment.ts'
import { systemRandom } from '../../src/platform/random.ts'

describe('the secret (design decision 13)', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'latchkey-secret-'))
  })
  afterEach(() => rm(folder, { recursive: true }))

  const resolve = (env: Record<string, string> = {}) =>
    resolveSecret(readEnvironment({ DATA_DIR: join(folder, 'data'), ...env }), systemRandom)

  test('is made once for the embedded database, for its owner’s eyes alone', async () => {
    const [first, second] = await Promise.all([resolve(), resolve()])
    expect(second).toBe(first)
    expect(await resolve()).toBe(first)
    expect(Buffer.from(first, 'base64url')).toHaveLength(32)
    const file = join(folder, 'data', 'secret')
    expect(await readFile(file, 'utf8')).toBe(first)
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect((await stat(join(folder, 'data'))).mode & 0o777).toBe(0o700)
  })

  test('that is given is taken, and not written anywhere', async () => {
    const given = 'Zq8Lk2Vx5Rw7Ty1Ub4Np9Mc6Hd3Fs0Ga'
    expect(await resolve({ LATCHKEY_SECRET: given })).toBe(given)
    await expect(stat(join(folder, 'data'))).rejects.toThrow()
  })

  test('that was cut short is not replaced by another: everything sealed with it would be lost', async () => {
    await resolve()
    const file = join(folder, 'data', 'secret')
    await writeFile(file, 'short')
    await expect(resolve()).rejects.toThrow(/secret is damaged/)
    expect(await readFile(file, 'utf8')).toBe('short')
  })
})
