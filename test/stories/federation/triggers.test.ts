import { decodeJwt } from 'jose'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { federationPoolId, startFederation } from '../../support/federation-pools.ts'
import type { Federation, FederationPool } from '../../support/federation-pools.ts'
import { startTriggerReceiver } from '../../support/trigger-receiver.ts'
import type { Reaction, TriggerReceiver } from '../../support/trigger-receiver.ts'
import { goodPassword, whereItIs } from '../../support/visitor.ts'
import type { Visitor } from '../../support/visitor.ts'

/* Triggers on the way in from a provider, in Cognito's order (reference: triggers §3). */

const names = [
  ...[
    'InboundFederation',
    'PreSignUp',
    'PostConfirmation',
    'PreAuthentication',
    'PostAuthentication',
    'PreTokenGeneration',
  ],
  ...['CustomMessage', 'UserMigration', 'DefineAuthChallenge', 'CreateAuthChallenge', 'VerifyAuthChallengeResponse'],
]

describe('by HTTP', () => {
  let there: Federation
  let receiver: TriggerReceiver
  beforeAll(async () => {
    receiver = await startTriggerReceiver()
    const hook = {
      Webhook: receiver.url,
      Secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
      AllowPrivateAddresses: true,
      Retries: 0,
    }
    const Triggers = Object.fromEntries(names.map((name) => [name, hook]))
    there = await startFederation({}, { Triggers })
  })
  afterAll(async () => {
    await there.stop()
    await receiver.stop()
  })
  beforeEach(() => {
    receiver.react({})
    receiver.received.length = 0
    receiver.sources()
  })

  const claimsOf = async (visitor: Visitor, page: Awaited<ReturnType<Visitor['visit']>>) =>
    decodeJwt((await visitor.tokensFrom(page)).body.id_token ?? '')
  const eventOf = (source: string) => receiver.received.find(({ event }) => event.triggerSource === source)?.event

  test('the first time and the next', async () => {
    const ada = { sub: 'ada', email: 'ada@example.com', name: 'Ada', groups: ['a b', 'c'] }
    const first = await there.visitor('both')
    await claimsOf(first, await there.throughProvider(first, ada))
    expect(receiver.sources()).toEqual([
      ...['InboundFederation_ExternalProvider', 'PreSignUp_ExternalProvider', 'PostConfirmation_ConfirmSignUp'],
      'TokenGeneration_HostedAuth',
    ])
    expect(eventOf('InboundFederation_ExternalProvider')).toMatchObject({
      version: '1',
      userName: 'Acme_ada',
      userPoolId: federationPoolId('both'),
      callerContext: { clientId: 'both' },
      request: {
        providerName: 'Acme',
        providerType: 'OIDC',
        attributes: {
          tokenResponse: { token_type: expect.any(String) as string },
          idToken: { sub: 'ada', iss: there.idp.issuer, aud: 'latchkey' },
          userInfo: { sub: 'ada', email: 'ada@example.com', name: 'Ada', groups: ['a b', 'c'] },
        },
      },
      response: { userAttributesToMap: {} },
    })
    // The tokens themselves are nothing that a function gets, and the record shows no value.
    expect(receiver.received[0]?.body).not.toMatch(/access_token|id_token|eyJ/)
    const { triggerInvocations } = there.server.services.domain.store
    const kept = await triggerInvocations.page({ userPoolId: federationPoolId('both'), limit: 10 })
    expect(JSON.stringify(kept)).not.toContain('ada@example.com')
    expect(eventOf('PreSignUp_ExternalProvider')).toMatchObject({
      userName: 'Acme_ada',
      request: { userAttributes: { email: 'ada@example.com', email_verified: 'false', name: 'Ada' } },
    })
    expect(eventOf('PostConfirmation_ConfirmSignUp')?.request.userAttributes).toMatchObject({
      'cognito:user_status': 'EXTERNAL_PROVIDER',
      identities: expect.stringContaining('"userId":"ada"') as string,
    })
    const again = await there.visitor('both')
    await claimsOf(again, await there.throughProvider(again, ada))
    expect(receiver.sources()).toEqual([
      ...[
        'InboundFederation_ExternalProvider',
        'PreAuthentication_Authentication',
        'PostAuthentication_Authentication',
      ],
      'TokenGeneration_HostedAuth',
    ])
  })

  test('InboundFederation says what is mapped, in place of what came; whose account it is, it does not say', async () => {
    receiver.react({
      InboundFederation_ExternalProvider: (event) => {
        event.response['userAttributesToMap'] = { name: 'Shortened', sub: 'somebody-else', email: 'new@example.com' }
        return event
      },
    })
    const visitor = await there.visitor('both')
    const page = await there.throughProvider(visitor, {
      sub: 'reshaped',
      email: 'old@example.com',
      name: 'A very long name',
    })
    expect(await claimsOf(visitor, page)).toMatchObject({
      'cognito:username': 'Acme_reshaped',
      name: 'Shortened',
      email: 'new@example.com',
    })
    receiver.react({
      InboundFederation_ExternalProvider: (event) => {
        event.response['userAttributesToMap'] = { name: 'Only this' }
        return event
      },
    })
    const again = await there.visitor('both')
    const after = await claimsOf(
      again,
      await there.throughProvider(again, { sub: 'reshaped', email: 'other@example.com' }),
    )
    // What it leaves out is dropped, and the old value stays.
    expect(after).toMatchObject({ name: 'Only this', email: 'new@example.com' })
  })

  const throwing: Reaction = () => {
    throw new Error('Not from there')
  }

  test.each(['InboundFederation_ExternalProvider', 'PreSignUp_ExternalProvider'])(
    '%s turns somebody away, and nothing is made of them',
    async (source) => {
      receiver.react({ [source]: throwing })
      const sub = `denied-${source.slice(0, 3)}`
      const page = await there.throughProvider(await there.visitor('both'), { sub })
      expect(page.heading).toBe('Sign in')
      expect(page.text).toContain('Not from there')
      const direct = await there.visitor('both', { parameters: { identity_provider: 'Acme' } })
      const back = await there.throughProvider(direct, { sub })
      const name = source.split('_')[0]
      expect(back.url.searchParams.get('error')).toBe('invalid_request')
      expect(back.url.searchParams.get('error_description')).toBe(`${name} failed with error Not from there.`)
      const { users } = there.server.services.domain.store
      expect(await users.findByIdentifier(federationPoolId('both'), `acme_${sub}`)).toBeUndefined()
    },
  )

  test.each(['PreAuthentication_Authentication', 'PostAuthentication_Authentication'])(
    '%s turns away who is known',
    async (source) => {
      await there.throughProvider(await there.visitor('both'), { sub: `known-${source}` })
      receiver.react({ [source]: throwing })
      const page = await there.throughProvider(await there.visitor('both'), { sub: `known-${source}` })
      expect(whereItIs(page)).toBe('Sign in')
      expect(page.text).toContain('Not from there')
    },
  )

  test('whoever comes from there is asked none of an app’s own questions, even where it asks all others', async () => {
    const page = await there.throughProvider(await there.visitor('asking'), { sub: 'unasked' })
    expect(whereItIs(page)).toBe('the app')
    expect(receiver.sources().filter((source) => source.includes('AuthChallenge'))).toEqual([])
  })

  test('an answer that is none lets nobody in', async () => {
    receiver.react({
      InboundFederation_ExternalProvider: (event) => ({ ...event, response: { userAttributesToMap: 'all' } }),
    })
    expect(whereItIs(await there.throughProvider(await there.visitor('both'), { sub: 'garbage' }))).toBe('Sign in')
  })

  test('a trigger that links the account to somebody here: that is who comes in, at the first time', async () => {
    const pool: FederationPool = 'both'
    const { domain } = there.server.services
    const visitor = await there.visitor(pool)
    const form = await visitor.login.follow('Create an account')
    await form.submit({ username: 'local@example.com', password: goodPassword })
    const userPoolId = federationPoolId(pool)
    const local = (await domain.store.users.findByIdentifier(userPoolId, 'local@example.com'))!
    await domain.store.users.update(userPoolId, local.sub, { status: 'CONFIRMED' }, new Date())
    // As AdminLinkProviderForUser does from within PreSignUp: Cognito then fails once.
    const identity = { providerName: 'Acme', issuer: there.idp.issuer, userId: 'to-be-linked' }
    const linked = { ...identity, providerType: 'OIDC', primary: false, linkedAt: new Date().toISOString() } as const
    receiver.react({
      PreSignUp_ExternalProvider: async (event, response) => {
        await domain.store.identities.claim(userPoolId, local.sub, identity)
        await domain.store.users.update(userPoolId, local.sub, { identities: [linked] }, new Date())
        response.setHeader('content-type', 'application/json')
        response.end(JSON.stringify(event))
        return 'answered'
      },
    })
    const browser = await there.visitor(pool)
    const page = await there.throughProvider(browser, { sub: 'to-be-linked' })
    expect((await claimsOf(browser, page)).sub).toBe(local.sub)
  })
})

test('by a module', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-module-'))
  const heard = join(folder, 'heard')
  const file = join(folder, 'function.mjs')
  await writeFile(heard, '')
  await writeFile(
    file,
    `import { appendFileSync } from 'node:fs'
     export const handler = async (event) => {
       appendFileSync(${JSON.stringify(heard)}, event.triggerSource + '\\n')
       if (event.triggerSource.startsWith('InboundFederation')) event.response.userAttributesToMap = { name: 'By a module' }
       return event
     }`,
  )
  const Triggers = Object.fromEntries(names.map((name) => [name, { Module: file, Retries: 0 }]))
  const there = await startFederation({}, { Triggers })
  try {
    const visitor = await there.visitor('both')
    const page = await there.throughProvider(visitor, { sub: 'ada', name: 'Ada' })
    expect(decodeJwt((await visitor.tokensFrom(page)).body.id_token ?? '')['name']).toBe('By a module')
    expect((await readFile(heard, 'utf8')).trim().split('\n')).toEqual([
      ...['InboundFederation_ExternalProvider', 'PreSignUp_ExternalProvider', 'PostConfirmation_ConfirmSignUp'],
      'TokenGeneration_HostedAuth',
    ])
  } finally {
    await there.stop()
    await rm(folder, { recursive: true })
  }
})
