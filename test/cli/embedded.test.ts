import { existsSync, readFileSync, statSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { once } from 'node:events'
import { request } from 'node:http'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { LockRecord } from '../../src/persistence/folder-lock.ts'
import {
  clientStory,
  consentStory,
  keyStory,
  longerUserStory,
  mailStory,
  poolSignOutStory,
  prepare,
  resourceServerStory,
  userStory,
} from './administration-story.ts'
import { createLatchkey } from './latchkey.ts'
import type { Latchkey, Served } from './latchkey.ts'

/* One folder through its life, in order: made, used while stopped, served, killed. */

let latchkey: Latchkey
beforeAll(async () => {
  latchkey = await createLatchkey({ LATCHKEY_DEV: '0' })
})
afterAll(() => latchkey.remove())

const lockRecord = () =>
  JSON.parse(readFileSync(join(latchkey.env['DATA_DIR']!, 'latchkey.lock'), 'utf8')) as LockRecord

const configuration = (minimumLength: number) => `
UserPools:
  - PoolName: main
    Policies: { PasswordPolicy: { MinimumLength: ${minimumLength} } }
    Clients:
      - ClientId: shop
        ClientSecret: \${SHOP_SECRET}
        CallbackURLs: [https://shop.example.com/callback]
    Users:
      - Username: seeded
        Password: Analytical-1
`

describe('while no server runs', () => {
  test('a dry run tells all that a start would do, and makes nothing', async () => {
    await writeFile(join(latchkey.folder, 'latchkey.yaml'), configuration(10))
    const env = { SHOP_SECRET: 'a-long-shop-secret-of-mine' }
    const outcome = await latchkey.run(['serve', '--dry-run'], { env })
    expect(outcome).toMatchObject({ status: 0, stderr: '' })
    expect(outcome.stdout).toMatch(/^migrate 0001-/)
    expect(outcome.stdout).toContain('create user pool main\n  PoolName: main\n')
    expect(outcome.stdout).toContain('  Policies.PasswordPolicy.MinimumLength: 10\n')
    expect(outcome.stdout).toContain('create app client shop of user pool main\n')
    expect(outcome.stdout).toContain('create user seeded of user pool main')
    expect(outcome.stdout).not.toContain('a-long-shop-secret')
    expect(existsSync(latchkey.env['DATA_DIR']!)).toBe(false)
  })

  test('the first pool makes the database', async () => {
    expect(await latchkey.json('pool', 'create', 'main', '--id', 'us-east-1_main')).toMatchObject({
      Id: 'us-east-1_main',
      Default: true,
    })
    expect(await latchkey.run(['pool', 'create', 'main'])).toMatchObject({ status: 4 })
    await prepare(latchkey, ['grace', 'hedy'])
  })

  test('users are administered', () => userStory(latchkey, { made: 'ada', signedUp: 'grace' }))

  test('consents are administered', () => consentStory(latchkey, 'ada'))

  test('two commands at once take turns', async () => {
    const both = await Promise.all([latchkey.run(['pool', 'list']), latchkey.run(['user', 'list'])])
    expect(both.map(({ status }) => status)).toEqual([0, 0])
  })

  test('a password is never seen among the processes or in the output', async () => {
    const child = latchkey.start(['user', 'set-password', 'grace', '--password-stdin', '--json'])
    const output = Promise.all([text(child.stdout!), text(child.stderr!)])
    child.stdin!.write('Invisible-9')
    await sleep(300)
    for (const file of ['cmdline', 'environ']) {
      if (process.platform === 'linux')
        expect(readFileSync(`/proc/${child.pid}/${file}`, 'utf8')).not.toContain('Invisible')
    }
    child.stdin!.end('\n')
    await once(child, 'close')
    expect(child.exitCode).toBe(0)
    expect((await output).join('')).not.toContain('Invisible')
  })
})

describe('through the running server', () => {
  let server: Served
  const env = { SHOP_SECRET: 'a-long-shop-secret-of-mine' }
  beforeAll(async () => {
    server = await latchkey.serve(env)
  })

  test('its channel is for its own user alone', async () => {
    const { adminSocket = '', adminToken = '' } = lockRecord()
    expect(statSync(dirname(adminSocket)).mode & 0o777).toBe(0o700)
    expect(statSync(join(latchkey.env['DATA_DIR']!, 'latchkey.lock')).mode & 0o777).toBe(0o600)
    const command = JSON.stringify({ command: 'user.list', input: {}, operator: 'ada' })
    expect(await call(adminSocket, adminToken, command)).toBe(200)
    expect(await call(adminSocket, `${adminToken}x`, command)).toBe(401)
    expect(await call(adminSocket, undefined, command)).toBe(401)
    expect(await call(adminSocket, adminToken, 'x'.repeat(1024 * 1024 + 1))).toBe(413)
    expect(await call(adminSocket, adminToken, '{"command":7}')).toBe(400)
  })

  test('users, app clients and mail are administered', async () => {
    const names = { made: 'alan', signedUp: 'hedy' }
    await userStory(latchkey, names)
    await longerUserStory(latchkey, names)
    await clientStory(latchkey)
    await mailStory(latchkey)
  })

  test('a user pool is signed out', () => poolSignOutStory(latchkey))
  test('resource servers are administered', () => resourceServerStory(latchkey))

  test('signing keys are rotated', () => keyStory(latchkey))

  test('a pool that is made is reachable at once, and gone when it is deleted', async () => {
    const made = await latchkey.json('pool', 'create', 'second')
    const discovery = `${server.ready.PublicUrl}/${made.Id}/.well-known/openid-configuration`
    expect(await (await fetch(discovery)).json()).toMatchObject({ issuer: made.Issuer })
    expect(await latchkey.json('pool', 'delete', 'second', '--yes')).toMatchObject({ Id: made.Id })
    expect((await fetch(discovery)).status).toBe(404)
  })

  test('a dry run tells the members that would change', async () => {
    const settled = { ...env, PUBLIC_URL: server.ready.PublicUrl }
    expect(await latchkey.json('migrate')).toEqual({ Applied: [], Pending: [] })
    const none = await latchkey.run(['serve', '--dry-run'], { env: settled })
    expect(none).toMatchObject({ status: 0, stdout: 'Nothing would change.\n', stderr: '' })
    await writeFile(join(latchkey.folder, 'other.yaml'), configuration(12))
    const changed = { ...settled, SHOP_SECRET: 'another-long-shop-secret' }
    const args = ['serve', '--dry-run', '--json', '--config', 'other.yaml']
    const { Differences } = JSON.parse((await latchkey.run(args, { env: changed })).stdout) as { Differences: unknown }
    expect(Differences).toEqual([
      {
        Action: 'update',
        What: 'user pool main',
        Members: [{ Name: 'Policies.PasswordPolicy.MinimumLength', From: 10, To: 12 }],
      },
      {
        Action: 'update',
        What: 'app client shop of user pool main',
        Members: [{ Name: 'ClientSecret', From: '(not shown)', To: '(not shown)' }],
      },
    ])
  })

  test('a second server on the folder is refused', async () => {
    const second = await latchkey.run(['serve'], { env: { ...env, LOG_LEVEL: 'silent' } })
    expect(second).toMatchObject({ status: 5, stdout: '' })
    expect(second.stderr).toMatch(/^latchkey: The database in \S+ is in use by process \d+ .*DATABASE_URL\)\.\n$/)
    expect(second.stderr).not.toContain(lockRecord().adminToken)
  })

  test('a port that is taken is said to be', async () => {
    const port = { PORT: String(server.ready.Port), DATA_DIR: join(latchkey.folder, 'elsewhere'), ...env }
    const outcome = await latchkey.run(['serve'], { env: port })
    expect(outcome).toMatchObject({ status: 5, stderr: expect.stringContaining(`port ${server.ready.Port}`) })
  })

  test('what a killed server leaves behind is in nobody’s way', async () => {
    const folder = dirname(lockRecord().adminSocket!)
    await server.stop('SIGKILL')
    expect(existsSync(folder)).toBe(true)
    expect(await latchkey.json('user', 'show', 'grace')).toMatchObject({ Username: 'grace' })
    expect(existsSync(folder)).toBe(false)
  })
})

function call(socketPath: string, token: string | undefined, body: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
    const outgoing = request({ socketPath, path: '/command', method: 'POST', headers, agent: false }, (response) => {
      response.resume()
      resolve(response.statusCode)
    })
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}
