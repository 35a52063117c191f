import { randomUUID } from 'node:crypto'
import { expect } from 'vitest'
import { openServices } from '../../src/app/open-services.ts'
import { readEnvironment } from '../../src/platform/config/environment.ts'
import { createLog } from '../../src/platform/log.ts'
import type { Latchkey } from './latchkey.ts'

/** What no command makes: users who have signed up and not confirmed, a group, a message that was given up on. */
export async function prepare(latchkey: Latchkey, unconfirmed: readonly string[]): Promise<void> {
  const log = createLog({ level: 'silent', pretty: false })
  const services = await openServices({ environment: readEnvironment(latchkey.env), log })
  try {
    const { store, clock, sealedBox } = services.domain
    const userPoolId = services.directory.default()!.id
    const at = clock.now()
    for (const username of unconfirmed) {
      const user = { userPoolId, sub: randomUUID(), username, status: 'UNCONFIRMED', enabled: true } as const
      const identifiers = [{ kind: 'username', key: username }] as const
      await store.users.add({ ...user, attributes: {}, createdAt: at, updatedAt: at, identifiers })
    }
    await store.groups.save({ userPoolId, name: 'engineers' }, at)
    const id = randomUUID()
    await store.outbox.add({ id, userPoolId, sealedMessage: sealedBox.seal('lost', 'test'), at })
    await store.outbox.markFailed(id, { error: 'mailbox \u001b[2Jfull', retryAt: undefined, at })
  } finally {
    await services.close()
  }
}

interface Names {
  made: string
  signedUp: string
}

/** The life of a user at the hands of an operator, in short; the same wherever the database is. */
export async function userStory({ run, json }: Latchkey, { made, signedUp }: Names): Promise<void> {
  const email = `${made}@example.com`
  const create = ['user', 'create', made, '--password-stdin', '--permanent', '--attribute', `email=${email}`]
  const created = await run([...create, '--json'], { stdin: 'Analytical-1\n' })
  expect(JSON.parse(created.stdout)).toMatchObject({
    Username: made,
    UserStatus: 'CONFIRMED',
    Enabled: true,
    Attributes: { email },
  })
  expect(await json('user', 'confirm', signedUp)).toMatchObject({ UserStatus: 'CONFIRMED' })
  expect(await json('user', 'set-attribute', made, 'email_verified=true', 'nickname=A')).toMatchObject({
    Attributes: { email, email_verified: 'true', nickname: 'A' },
  })
  expect(await json('user', 'disable', made)).toMatchObject({ Enabled: false })
  expect(await json('user', 'show', made.toUpperCase())).toMatchObject({ Username: made, Enabled: false })
}

/** What else befalls users after that, and what is refused. */
export async function longerUserStory({ run, json }: Latchkey, { made, signedUp }: Names): Promise<void> {
  expect(await run(['user', 'create', made, '--password-stdin'], { stdin: 'Analytical-1\n' })).toMatchObject({
    status: 4,
    stdout: '',
    stderr: expect.stringMatching(/^latchkey: User pool \S+ has a user "\w+" already\.\n$/),
  })
  const weak = await run(['user', 'set-password', made, '--password-stdin'], { stdin: 'short' })
  expect(weak).toMatchObject({
    status: 4,
    stderr: expect.stringMatching(/at least \d+ characters, an upper-case letter/),
  })
  expect(weak.stderr).not.toContain('short')
  const reset = await json('user', 'set-password', made, '--generate-password')
  expect(reset).toMatchObject({ UserStatus: 'FORCE_CHANGE_PASSWORD', Password: expect.stringMatching(/^.{20}$/) })
  expect(await run(['user', 'confirm', signedUp])).toMatchObject({ status: 4 })
  expect(await json('user', 'enable', made)).toMatchObject({ Enabled: true })
  expect(await run(['user', 'sign-out', made])).toMatchObject({ status: 0, stdout: `${made} is signed out.\n` })

  expect(await run(['user', 'add-to-group', made, 'nobody'])).toMatchObject({ status: 3 })
  expect(await json('user', 'add-to-group', made, 'engineers')).toMatchObject({ Groups: ['engineers'] })
  expect(await json('user', 'show', made)).toMatchObject({ Groups: ['engineers'] })
  const first = await json('user', 'list', '--limit', '1')
  const next = await json('user', 'list', '--limit', '1', '--after', first.NextToken)
  expect(next.Users[0].Username).not.toBe(first.Users[0].Username)

  expect(await run(['user', 'delete', made])).toMatchObject({ status: 4, stderr: expect.stringContaining('--yes') })
  expect(await run(['user', 'delete', made, '--yes'])).toMatchObject({ status: 0, stdout: `${made} is deleted.\n` })
  expect(await run(['user', 'show', made])).toMatchObject({ status: 3, stdout: '' })
}

/** Everybody of a pool is signed out at once. */
export async function poolSignOutStory({ run, json }: Latchkey): Promise<void> {
  expect(await run(['pool', 'sign-out'])).toMatchObject({ status: 4, stderr: expect.stringContaining('--yes') })
  expect(await run(['pool', 'sign-out', '--pool', 'nowhere', '--yes'])).toMatchObject({ status: 3, stdout: '' })
  const { Id } = await json('pool', 'show')
  expect(await json('pool', 'sign-out', '--pool', Id, '--yes')).toEqual({ Id, Sessions: 0, RefreshTokens: 0 })
  expect((await run(['pool', 'sign-out', '--yes'])).stdout).toContain(`Everybody is signed out of ${Id}`)
}

/** App clients: their secrets are told once. */
export async function clientStory({ run, json }: Latchkey): Promise<void> {
  const callback = ['--callback-url', 'https://app.example.com/callback']
  const made = await json('client', 'create', 'web', '--client-id', 'web', ...callback)
  expect(made).toMatchObject({
    ClientId: 'web',
    HasSecret: true,
    ClientSecret: expect.stringMatching(/^[a-z0-9]{52}$/),
  })
  expect(await run(['client', 'create', 'web', '--client-id', 'web', ...callback])).toMatchObject({ status: 4 })
  expect(await json('client', 'show', 'web')).not.toHaveProperty('ClientSecret')
  const rotated = await json('client', 'rotate-secret', 'web', '--generate-secret', '--yes')
  expect(rotated.ClientSecret).not.toBe(made.ClientSecret)
  const other = 'a-secret-of-the-operators-own'
  const added = await run(['client', 'add-secret', 'web', '--secret-stdin', '--json'], { stdin: `${other}\n` })
  expect(JSON.parse(added.stdout)).toEqual({
    ClientSecretId: expect.any(String),
    ClientSecretCreateDate: expect.stringMatching(/^\d{4}-.*Z$/),
  })
  const third = await run(['client', 'add-secret', 'web', '--generate-secret'])
  expect(third).toMatchObject({ status: 4, stderr: expect.stringContaining('has two secrets already') })
  const listed = await run(['client', 'list-secrets', 'web', '--json'])
  expect(listed.stdout).not.toContain(other)
  const [first, second] = JSON.parse(listed.stdout).ClientSecrets
  expect(second.ClientSecretId).toBe(JSON.parse(added.stdout).ClientSecretId)
  const remove = ['client', 'delete-secret', 'web', first.ClientSecretId]
  expect(await run(remove)).toMatchObject({ status: 4, stderr: expect.stringContaining('--yes') })
  expect(await run([...remove, '--yes'])).toMatchObject({
    status: 0,
    stdout: `The secret ${first.ClientSecretId} is deleted.\n`,
  })
  expect(await run([...remove, '--yes'])).toMatchObject({ status: 3 })
  const last = await run(['client', 'delete-secret', 'web', second.ClientSecretId, '--yes'])
  expect(last).toMatchObject({ status: 4, stderr: expect.stringContaining('has no other secret') })
  const shown = await run(['client', 'add-secret', 'web', '--generate-secret'])
  expect(shown.stdout).toMatch(/^Added the secret \S+\.\nClientSecret: [a-z0-9]{52}\n$/)
  const open = await run(['client', 'create', 'spa', '--public', '--callback-url', 'http://app.example.com/'])
  expect(open).toMatchObject({ status: 4, stderr: expect.stringContaining('CallbackURLs[0]: must use https') })
  const listing = await run(['client', 'create', 'spa', '--public', ...callback, '--settings', '-'], {
    stdin: '{"ReadAttributes": ["email", "custom:nothing"]}',
  })
  expect(listing).toMatchObject({ status: 4, stderr: expect.stringContaining('ReadAttributes names "custom:nothing"') })
  expect(await json('client', 'delete', 'web', '--yes')).toMatchObject({ ClientId: 'web' })
  expect(await run(['client', 'show', 'web'])).toMatchObject({ status: 3 })
}

/** Resource servers: their scopes are there for new app clients, and stay listed when they are gone. */
export async function resourceServerStory({ run, json }: Latchkey): Promise<void> {
  const api = 'https://api.example.com'
  const scopes = ['--scope', 'read=Read your orders', '--scope', 'write']
  expect(await json('resource-server', 'create', api, '--name', 'Orders', ...scopes)).toMatchObject({
    Identifier: api,
    Name: 'Orders',
    Scopes: [
      { ScopeName: 'read', ScopeDescription: 'Read your orders' },
      { ScopeName: 'write', ScopeDescription: '' },
    ],
  })
  expect(await run(['resource-server', 'create', api])).toMatchObject({
    status: 4,
    stderr: expect.stringContaining('already'),
  })
  const bad = await run(['resource-server', 'create', 'other', '--scope', 'read/all=x'])
  expect(bad).toMatchObject({ status: 4, stderr: expect.stringContaining('Scopes[0].ScopeName: must not hold') })
  expect(await run(['resource-server', 'list'])).toMatchObject({
    status: 0,
    stdout: expect.stringMatching(/https:\/\/api\.example\.com {2}Orders {2}read, write/),
  })
  const machine = ['--client-id', 'machine', '--flow', 'client_credentials', '--scope', `${api}/read`]
  await json('client', 'create', 'machine', ...machine)
  expect(await run(['resource-server', 'delete', api])).toMatchObject({ status: 4 })
  expect(await run(['resource-server', 'delete', api, '--yes'])).toMatchObject({
    status: 0,
    stdout: `${api} is deleted.\nStill listed, to no effect, with the app clients: machine\n`,
  })
  expect(await run(['resource-server', 'delete', api, '--yes'])).toMatchObject({ status: 3 })
  expect(await json('client', 'show', 'machine')).toMatchObject({ AllowedOAuthScopes: [`${api}/read`] })
  await json('client', 'delete', 'machine', '--yes')
}

/** What a user has allowed an app of somebody else is seen and taken back. The database must be free. */
export async function consentStory({ env, run, json }: Latchkey, username: string): Promise<void> {
  const settings = { CallbackURLs: ['https://guest.example.com/'], ThirdParty: true }
  const made = await run(['client', 'create', 'Guest', '--client-id', 'guest', '--settings', '-', '--json'], {
    stdin: JSON.stringify(settings),
  })
  expect(JSON.parse(made.stdout)).toMatchObject({ ThirdParty: true })
  const log = createLog({ level: 'silent', pretty: false })
  const services = await openServices({ environment: readEnvironment(env), log })
  try {
    const { store, clock } = services.domain
    const userPoolId = services.directory.default()!.id
    const user = await store.users.findByIdentifier(userPoolId, username)
    const consent = { userPoolId, userSub: user!.sub, clientId: 'guest', scopes: ['openid', 'email'] }
    await store.consents.add(consent, clock.now())
  } finally {
    await services.close()
  }
  expect(await json('user', 'consents', username)).toMatchObject({
    Username: username,
    Consents: [{ ClientId: 'guest', Scopes: ['email', 'openid'] }],
  })
  const revoke = ['user', 'revoke-consent', username, '--client', 'guest']
  expect(await run(revoke)).toMatchObject({ status: 0, stdout: `${username} allows nothing to guest any more.\n` })
  expect(await run(revoke)).toMatchObject({ status: 3 })
  expect(await run(['user', 'revoke-consent', username])).toMatchObject({ status: 2 })
  expect(await run(['user', 'consents', username])).toMatchObject({ status: 0, stdout: 'No consents.\n' })
  await json('client', 'delete', 'guest', '--yes')
}

/** A mail that was given up on is seen, safely, and sent back into the queue. */
export async function mailStory({ run, json }: Latchkey): Promise<void> {
  const listed = await run(['mail', 'dead-letters'])
  expect(listed.stdout).toContain('mailbox \\u001b[2Jfull')
  expect(await json('mail', 'dead-letters', '--retry')).toEqual({ Retried: 1 })
}

interface SigningKeys {
  SigningKeys: readonly { Use: string; State: string; KeyId: string }[]
}

/** Signing keys are looked at, followed by new ones, and after a leak thrown away. */
export async function keyStory({ run, json }: Latchkey): Promise<void> {
  const states = async (...options: string[]): Promise<string[]> =>
    ((await json('rotate-keys', ...options)) as SigningKeys).SigningKeys.map(
      ({ Use, State }) => `${Use} ${State}`,
    ).sort()
  expect(await states('--list')).toEqual(['access signing', 'id signing'])
  const waiting = await run(['rotate-keys'])
  expect(waiting).toMatchObject({ status: 0, stdout: expect.stringContaining('sign in 10 minutes at the latest') })
  expect(await states('--list', '--all')).toEqual(['access next', 'access signing', 'id next', 'id signing'])
  expect(await states('--now')).toEqual(['access signing', 'access verifying', 'id signing', 'id verifying'])
  expect(await run(['rotate-keys', '--revoke-old'])).toMatchObject({ status: 4 })
  expect(await states('--revoke-old', '--yes')).toEqual(['access signing', 'id signing'])
  expect(await run(['rotate-keys', '--pool', 'nowhere'])).toMatchObject({ status: 3, stdout: '' })
  expect(await run(['rotate-keys', '--pool', 'any', '--all'])).toMatchObject({ status: 2, stdout: '' })
}
