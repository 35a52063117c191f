import { execFile } from 'node:child_process'
import { pathToFileURL } from 'node:url'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'

const module = pathToFileURL(join(import.meta.dirname, '..', '..', 'src', 'platform', 'log.ts')).href

/** What a process of its own writes when it logs these. */
async function logged(statements: string, pretty = false): Promise<string> {
  const script = `import { createLog } from ${JSON.stringify(module)}
const log = createLog({ level: 'trace', pretty: ${pretty} })
${statements}`
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script])
  return stdout
}

const secretMembers = [
  'password',
  'newPassword',
  'passwordHash',
  'secret',
  'code',
  'code_verifier',
  'token',
  'access_token',
  'accessToken',
  'refresh_token',
  'refreshToken',
  'id_token',
  'idToken',
  'client_secret',
  'clientSecret',
  'authorization',
  'cookie',
  'set-cookie',
]

describe.each([false, true])('a log (readable: %s)', (pretty) => {
  test('never shows the value of a secret member, at whatever depth to two (threat row F10)', async () => {
    const output = await logged(
      `for (const name of ${JSON.stringify(secretMembers)}) {
  const bearer = { [name]: 'hunter2', shown: 'visible-' + name }
  log.info(bearer, 'at the top')
  log.warn({ form: bearer }, 'one down')
  log.error({ request: { headers: bearer } }, 'two down')
  log.child({ inner: bearer }).info('in a child')
  // An error's own code (ECONNREFUSED) is told on purpose.
  if (name !== 'code') log.error({ err: Object.assign(new Error('boom'), bearer) }, 'in an error')
  log.info({ list: [bearer] }, 'in a list')
}`,
      pretty,
    )
    expect(output).not.toContain('hunter2')
    for (const name of secretMembers) expect(output.split(`visible-${name}`).length, name).toBeGreaterThan(5)
    expect(output).toContain('[redacted]')
  })
})

test('a production log is JSON lines at or above its level', async () => {
  const lines = (await logged(`log.level = 'warn'; log.info('quiet'); log.warn({ pool: 'a' }, 'loud')`))
    .trim()
    .split('\n')
  expect(lines).toHaveLength(1)
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ level: 40, msg: 'loud', pool: 'a' })
})
