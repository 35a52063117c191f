import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createLatchkey, newSecret } from './latchkey.ts'
import type { Latchkey } from './latchkey.ts'

let latchkey: Latchkey
beforeAll(async () => {
  latchkey = await createLatchkey()
})
afterAll(() => latchkey.remove())

test.each([
  [[]],
  [['fly']],
  [['user', 'show']],
  [['user', 'list', '--limit', 'many']],
  [['user', 'create', 'ada', '--password', 'Analytical-1']],
  [['user', 'create', 'ada']],
  [['user', 'create', 'ada', '--password-stdin', '--generate-password']],
  [['client', 'create', 'web', '--public', '--secret-stdin']],
])('wrong usage ends with 2: %j', async (args) => {
  expect(await latchkey.run(args)).toMatchObject({ status: 2, stdout: '', stderr: expect.stringMatching(/./) })
})

test('help tells the exit statuses, also with a bad environment', async () => {
  const help = await latchkey.run(['user', 'create', '--help'], { env: { PORT: 'x' } })
  expect(help).toMatchObject({ status: 0, stderr: '' })
  expect(help.stdout).toMatch(/Exit status:\n {2}0 {2}done/)
  expect(help.stdout).not.toMatch(/--password(?!-stdin)/)
})

test('the version', async () => {
  const { Version } = await latchkey.json('version')
  expect(Version).toMatch(/^\d+\.\d+\.\d+/)
  expect((await latchkey.run(['--version'])).stdout).toBe(`${Version}\n`)
})

test.each(['serve', 'migrate', 'pool list'])('a bad environment is told all at once: %s', async (command) => {
  const env = { DATABASE_URL: 'postgres://u:hunter2@127.0.0.1:1/d', LATCHKEY_SECRET: newSecret() }
  for (const args of [['user', 'list'], ['serve']]) {
    const outcome = await latchkey.run(args, { env: { ...env, LOG_LEVEL: 'silent' } })
    expect(outcome).toMatchObject({ status: 5, stdout: '', stderr: expect.stringContaining('ECONNREFUSED') })
    expect(outcome.stderr).toMatch(/^latchkey: Cannot reach .* 127\.0\.0\.1:1 .*\n$/)
    expect(outcome.stderr).not.toContain('hunter2')
  }
})
