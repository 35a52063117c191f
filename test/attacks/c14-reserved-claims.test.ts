import { expect, test } from 'vitest'
import { overrideAccessToken, overrideIdToken } from '../../src/domain/tokens/claim-overrides.ts'
import type { TokenOverrides } from '../../src/domain/tokens/claim-overrides.ts'

/*
 * C14, a hook that says who somebody is (ZITADEL CVE-2024-29892): whatever a trigger answers, who a token is about, who made it,
 * for whom, when, and how sure the sign-in was, stay what they are. Guards src/domain/tokens/claim-overrides.ts; that the token
 * endpoint asks it is shown in stories/triggers/webhook.
 */

const own = {
  sub: 'ada',
  iss: 'https://id.example.com',
  exp: 2,
  iat: 1,
  auth_time: 1,
  acr: 'urn:cognito:loa:1',
  amr: ['pwd'],
  jti: 'j',
  origin_jti: 'o',
  event_id: 'e',
  token_use: 'id',
  client_id: 'app',
  username: 'ada',
  version: 2,
  nonce: 'n',
  at_hash: 'h',
  'cognito:username': 'ada',
  'cognito:groups': ['staff'],
  scope: 'openid email',
}
const reserved = [
  ...Object.keys(own).filter((name) => name !== 'scope'),
  ...['azp', 'sid', 'cnf', 'nbf', 'identities', 'device_key', 'c_hash', 's_hash', 'cognito:roles', 'cognito:anything'],
  ...['scope', 'dev:custom:x'],
]
const overrides = (changes: Partial<TokenOverrides['access']>): TokenOverrides => ({
  id: { add: {}, suppress: [], ...changes },
  access: { add: {}, suppress: [], addScopes: [], suppressScopes: [], ...changes },
})

test.each(reserved)('%s is neither set nor taken away', (name) => {
  const claims: Record<string, unknown> = own
  for (const change of [overrides({ add: { [name]: 'forged' } }), overrides({ suppress: [name] })]) {
    if (name === 'cognito:groups' && change.id.suppress.length > 0) continue
    expect(overrideIdToken(claims, change)[name]).toEqual(claims[name])
    expect(overrideAccessToken(claims, change, 'app')[name]).toEqual(claims[name])
  }
})

test('aud of an ID token is the client; of an access token it may be made that, and nothing else', () => {
  const id = { ...own, aud: 'app' }
  expect(overrideIdToken(id, overrides({ add: { aud: 'other' }, suppress: ['aud'] }))['aud']).toBe('app')
  expect(overrideAccessToken(own, overrides({ add: { aud: 'app' } }), 'app')['aud']).toBe('app')
  for (const aud of ['other', ['app'], ['app', 'other'], null, { app: 1 }]) {
    expect(overrideAccessToken(own, overrides({ add: { aud } }), 'app')).not.toHaveProperty('aud')
  }
  const resource = { ...own, aud: 'https://api.example.com' }
  expect(overrideAccessToken(resource, overrides({ add: { aud: 'app' } }), 'app')['aud']).toBe(
    'https://api.example.com',
  )
})

test('nothing that is inherited is touched', () => {
  const forged = JSON.parse('{"__proto__":{"admin":true},"constructor":1,"prototype":2}') as Record<string, unknown>
  const claims = overrideIdToken(own, overrides({ add: forged }))
  expect([({} as { admin?: boolean }).admin, (claims as { admin?: boolean }).admin]).toEqual([undefined, undefined])
  expect(Object.hasOwn(claims, 'constructor') || Object.hasOwn(claims, '__proto__')).toBe(false)
})

test('what is both added and suppressed is gone', () => {
  expect(overrideIdToken(own, overrides({ add: { tenant: 't' }, suppress: ['tenant'] }))).not.toHaveProperty('tenant')
})

test('standard claims of a form of their own take no other', () => {
  const add = { address: { formatted: 'x' }, email_verified: ['true'], updated_at: {}, phone_number_verified: null }
  const claims = overrideIdToken(own, overrides({ add }))
  for (const name of ['address', 'email_verified', 'updated_at']) expect(claims).not.toHaveProperty(name)
})

test.each([['a b'], ['a"b'], ['a\\b'], ['é'], [''], ['a\n'], ['x'.repeat(257)]])('%j is no scope', (scope) => {
  expect(overrideAccessToken(own, overrides({ addScopes: [scope] }), 'app')['scope']).toBe('openid email')
})

test('scopes are added once, and suppressed for good', () => {
  const change = overrides({ addScopes: ['api/read', 'openid', 'email'], suppressScopes: ['email'] })
  expect(overrideAccessToken(own, change, 'app')['scope']).toBe('openid api/read')
})

test('groups in place of one’s own, or none', () => {
  const replaced = { ...overrides({}), groups: { groups: ['admins'], roles: ['r'], preferredRole: 'r' } }
  expect(overrideIdToken(own, replaced)).toMatchObject({
    'cognito:groups': ['admins'],
    'cognito:roles': ['r'],
    'cognito:preferred_role': 'r',
  })
  const access = overrideAccessToken(own, replaced, 'app')
  expect([access['cognito:groups'], access['cognito:roles']]).toEqual([['admins'], undefined])
  const none = { ...overrides({}), groups: { groups: [], roles: [] } }
  expect(overrideIdToken(own, none)).not.toHaveProperty('cognito:groups')
})
