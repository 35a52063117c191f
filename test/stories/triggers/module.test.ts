import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decodeJwt } from 'jose'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { haveAccount } from '../../support/accounts.ts'
import { startServer } from '../../support/server.ts'
import type { TestServer } from '../../support/server.ts'
import { callback, goodPassword, visitorAt, whereItIs } from '../../support/visitor.ts'

/* Triggers as files of the operator's own: JavaScript of each kind, TypeScript, and whatever a handler should not do. */

const folder = join(import.meta.dirname, '..', '..', 'support', 'trigger-modules')
const module = (name: string, more: object = {}): object => ({ Module: join(folder, name), Retries: 0, ...more })

let server: TestServer
beforeAll(async () => {
  const pool = (name: string, settings: object) => ({
    Id: `eu-west-1_${name}`,
    PoolName: name,
    Clients: [{ ClientId: name, CallbackURLs: [callback], AllowedOAuthScopes: ['openid', 'email'] }],
    ...settings,
  })
  const byAddress = { UsernameAttributes: ['email'], AutoVerifiedAttributes: ['email'] }
  const unruly = module('unruly.mjs', { TimeoutSeconds: 1 })
  const configuration = JSON.stringify({
    UserPools: [
      pool('modern', {
        ...byAddress,
        Triggers: { PreSignUp: module('deny.mjs'), PreTokenGeneration: module('typed.ts') },
      }),
      pool('classic', {
        ...byAddress,
        Triggers: { PreAuthentication: module('callback.cjs'), PostAuthentication: module('callback.cjs') },
      }),
      pool('unruly', { Triggers: { PreSignUp: unruly } }),
      pool('missing', { Triggers: { PreSignUp: module('not-there.mjs') } }),
    ],
  })
  server = await startServer({ configuration })
})
afterAll(() => server.stop())
afterEach(() => {
  vi.unstubAllEnvs()
})

const visit = (pool: string) => visitorAt(`${server.publicUrl}/eu-west-1_${pool}`, pool)
const signUp = async (pool: string, username: string, attributes: Record<string, string> = {}) => {
  const { login } = await visit(pool)
  const form = await login.follow('Create an account')
  return form.submit({ username, password: goodPassword, ...attributes })
}
const lastInvocation = async (pool: string) => {
  const { triggerInvocations } = server.services.domain.store
  return (await triggerInvocations.page({ userPoolId: `eu-west-1_${pool}`, limit: 1 }))[0]
}

test('an ES module denies, confirms, or lets it be', async () => {
  expect((await signUp('modern', 'eve@blocked.example')).text).toContain('This address is on our list.')
  expect((await signUp('modern', 'ada@example.com')).heading).toBe('Check your messages')
  expect(whereItIs(await signUp('modern', 'known-ada@example.com'))).toBe('the app')
})

test('a TypeScript module as it is written adds a claim', async () => {
  const username = 'typed@example.com'
  await haveAccount(server, { username, password: goodPassword, userPoolId: 'eu-west-1_modern' })
  const visitor = await visit('modern')
  const { body } = await visitor.tokensFrom(await visitor.login.submit({ username, password: goodPassword }))
  expect(decodeJwt(body.id_token ?? '')).toMatchObject({ made_by: 'typescript', email: username })
})

test('a CommonJS module with a callback, as older samples have it', async () => {
  for (const [username, answer] of [
    ['late@example.com', 'Come back tomorrow'],
    ['early@example.com', ''],
  ] as const) {
    await haveAccount(server, { username, password: goodPassword, userPoolId: 'eu-west-1_classic' })
    const page = await (await visit('classic')).login.submit({ username, password: goodPassword })
    if (answer === '') expect(whereItIs(page)).toBe('the app')
    else expect(page.text).toContain(answer)
  }
})

describe('a handler that', () => {
  const cases: [string, string, string][] = [
    ['never gives the thread back', 'spin', 'no answer within its time'],
    ['never answers', 'hang', 'no answer within its time'],
    ['ends its process', 'exit', 'its thread has ended'],
    ['answers something else', 'garbage', 'the answer is not the event with its response'],
    ['answers nothing', 'nothing', 'the answer is not the event with its response'],
    ['answers what is no JSON', 'circle', 'circular structure'],
  ]
  test.each(cases)('%s denies the sign-up, and holds nothing up', async (_, name, problem) => {
    const page = await signUp('unruly', name)
    expect(page.text).toContain('Something is in the way at the moment.')
    const invocation = await lastInvocation('unruly')
    expect(invocation).toMatchObject({ outcome: 'Failed', problem: expect.stringContaining(problem) as string })
    expect(await server.services.domain.store.users.findByIdentifier('eu-west-1_unruly', name)).toBeUndefined()
    // The next one is served as ever.
    const next = await signUp('unruly', `fine-${name}`)
    expect(next.text).not.toContain('Something is in the way')
  })

  test('leaves something behind that throws does not end the server', async () => {
    expect((await signUp('unruly', 'later')).text).not.toContain('Something is in the way')
    await new Promise((resolve) => setTimeout(resolve, 200))
    expect((await signUp('unruly', 'fine-later')).text).not.toContain('Something is in the way')
  })

  test('is one of many that hang at once lets the next one in when its time is over', async () => {
    const pages = await Promise.all(
      ['hang-1', 'hang-2', 'spin-3', 'spin-4', 'hang-5'].map((name) => signUp('unruly', name)),
    )
    for (const page of pages) expect(page.text).toContain('Something is in the way')
    const health = await fetch(`${server.publicUrl}/healthz`)
    expect(health.status).toBe(200)
    expect((await signUp('unruly', 'fine-after')).text).not.toContain('Something is in the way')
  })

  test('is late does nothing any more afterwards', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'ticks-'))
    vi.stubEnv('TICKS_FILE', join(folder, 'ticks'))
    // Threads see the environment that they began with.
    await Promise.all(['hang-a', 'hang-b', 'hang-c', 'hang-d'].map((name) => signUp('unruly', name)))
    expect((await signUp('unruly', 'ticks')).text).toContain('Something is in the way')
    const written = async () => (await readFile(join(folder, 'ticks'), 'utf8')).length
    const before = await written()
    await new Promise((resolve) => setTimeout(resolve, 200))
    expect([before > 0, await written()]).toEqual([true, before])
    await rm(folder, { recursive: true })
  })

  test('looks around finds none of the server’s secrets, and how much time is left', async () => {
    vi.stubEnv('SMTP_URL', 'smtp://somebody:password@localhost/')
    vi.stubEnv('HOOK_SECRET', 'for the hook')
    await Promise.all(['hang-1', 'hang-2', 'hang-3', 'hang-4'].map((name) => signUp('unruly', name)))
    expect((await signUp('unruly', 'secrets')).text).toMatch(/ saw HOOK_SECRET(?![,\w])/)
    expect((await signUp('unruly', 'time')).text).toContain('left 1')
  })
})

test('a file that is not there is told of in the log and on record, not to the person', async () => {
  const page = await signUp('missing', 'ada')
  expect([page.text.includes('Something is in the way'), page.text.includes('not-there')]).toEqual([true, false])
  expect(await lastInvocation('missing')).toMatchObject({
    problem: expect.stringContaining('not-there.mjs cannot be loaded') as string,
  })
})
