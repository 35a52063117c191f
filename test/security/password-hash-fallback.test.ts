import { afterAll, expect, test, vi } from 'vitest'
import { systemRandom } from '../../src/platform/random.ts'
import { createPasswordHasher } from '../../src/security/password-hash.ts'

// Files share a process: this one has its own modules, and leaves none of them behind.
vi.hoisted(() => vi.resetModules())
afterAll(() => {
  vi.doUnmock('@node-rs/argon2')
  vi.resetModules()
})

vi.mock('@node-rs/argon2', () => {
  throw new Error('no build for this platform')
})

test('where the faster library has no build, the other one does the same work', async () => {
  const hasher = await createPasswordHasher({ random: systemRandom })
  const phc = await hasher.hash('Analytical-1843')
  expect(phc).toMatch(/^\$argon2id\$v=19\$m=19456,(t=2,p=1|p=1,t=2)\$/)
  expect(await hasher.verify('Analytical-1843', phc)).toBe(true)
  expect(await hasher.verify('Wrong-1852', phc)).toBe(false)
  expect(await hasher.verify('Wrong-1852', undefined)).toBe(false)
  const theirs = '$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4'
  expect(await hasher.verify('password', theirs)).toBe(true)
})
