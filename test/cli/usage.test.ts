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
  const env = { PORT: '99999', LATCHKEY_REGION: 'moon', DATABASE_URL: 'postgres://u:hunter2hunter2@h/d' }
  const outcome = await latchkey.run(command.split(' '), { env })
  expect(outcome).toMatchObject({ status: 1, stdout: '' })
  for (const name of ['PORT', 'LATCHKEY_REGION', 'LATCHKEY_SECRET']) expect(outcome.stderr).toContain(name)
  expect(outcome.stderr).not.toContain('hunter2')
})

test('a bad configuration file is told of before anything is opened', async () => {
  const file = join(latchkey.folder, 'bad.yaml')
  await writeFile(file, 'UserPools:\n  - PoolName: a\n    MfaConfiguration: MAYBE\n    Nonsense: 1\n')
  const outcome = await latchkey.run(['serve', '--config', file])
  expect(outcome).toMatchObject({ status: 1, stdout: '' })
  expect(outcome.stderr).toMatch(/MfaConfiguration[^]*Nonsense/)
})

test('a folder without a database is not made by a question', async () => {
  const outcome = await latchkey.run(['user', 'list'])
  expect(outcome).toMatchObject({
    status: 1,
    stderr: expect.stringContaining(`${latchkey.env['DATA_DIR']} (DATA_DIR)`),
  })
  expect(existsSync(latchkey.env['DATA_DIR']!)).toBe(false)
})

test('a PostgreSQL server that is away ends with 5, without its password', async () => {
  const env = { DATABASE_URL: 'postgres://u:hunter2@127.0.0.1:1/d', LATCHKEY_SECRET: newSecret() }
  for (const args of [['user', 'list'], ['serve']]) {
    const outcome = await latchkey.run(args, { env: { ...env, LOG_LEVEL: 'silent' } })
    expect(outcome).toMatchObject({ status: 5, stdout: '', stderr: expect.stringContaining('ECONNREFUSED') })
    expect(outcome.stderr).toMatch(/^latchkey: Cannot reach .* 127\.0\.0\.1:1 .*\n$/)
    expect(outcome.stderr).not.toContain('hunter2')
  }
})
