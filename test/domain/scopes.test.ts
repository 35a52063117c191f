import { describe, expect, test } from 'vitest'
import { decideScopes } from '../../src/domain/app-clients/scopes.ts'
import { clientOf, poolWith } from './domain-fixture.ts'

const userPool = poolWith()
const servers = [
  {
    userPoolId: userPool.id,
    identifier: 'https://api.example.com',
    name: 'API',
    scopes: [
      { name: 'read', description: '' },
      { name: 'write', description: '' },
    ],
  },
]
const read = 'https://api.example.com/read'
const write = 'https://api.example.com/write'
const client = clientOf(userPool, { AllowedOAuthScopes: ['openid', 'email', 'phone', read, 'gone/scope'] })
const decide = (requested: string | undefined, grantType: 'code' | 'client_credentials' = 'code') => {
  const decision = decideScopes(client, servers, requested, grantType)
  return decision.ok ? decision.scopes : decision.reason
}

describe('scopes of a person’s sign-in', () => {
  test('none asked for: all that the client may have and the pool still knows', () => {
    for (const requested of [undefined, '', '  ']) {
      expect(decide(requested)).toEqual(['openid', 'email', 'phone', read])
    }
  })

  test('as asked, each once, in that order', () => {
    expect(decide(`${read} openid openid  email`)).toEqual([read, 'openid', 'email'])
    expect(decide(read)).toEqual([read])
  })

  test.each([write, 'profile', 'unknown', 'gone/scope', 'OPENID', `openid ${write}`, 'openid\nemail', 'openid\tx'])(
    'refuses %j, which the client may not have',
    (requested) => expect(decide(requested)).toMatch(/unknown or not allowed/),
  )

  test('email and phone come with openid only', () => {
    expect(decide('email')).toMatch(/together with openid/)
    expect(decide(`phone ${read}`)).toMatch(/together with openid/)
  })
})

describe('scopes of a client of its own', () => {
  test('are custom ones only', () => {
    expect(decide(undefined, 'client_credentials')).toEqual([read])
    expect(decide(read, 'client_credentials')).toEqual([read])
    expect(decide('openid', 'client_credentials')).toMatch(/not allowed/)
    expect(decide(write, 'client_credentials')).toMatch(/not allowed/)
  })

  test('a client without any gets none', () => {
    const poor = clientOf(userPool, { AllowedOAuthScopes: ['openid'] })
    expect(decideScopes(poor, servers, undefined, 'client_credentials')).toMatchObject({ ok: false })
  })
})
