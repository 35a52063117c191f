import { expect, test } from 'vitest'
import { mayReceiveTokens } from '../../src/domain/tokens/redeem-code.ts'
import type { Identity, IdentityProvider } from '../../src/domain/identity-providers/identity-provider.ts'
import type { User } from '../../src/domain/users/user.ts'

/* Threat row A10, each reason by itself: an operator who disables somebody also signs them out, so one alone is never seen. */

const signedIn = new Date('2026-11-26T12:00:00Z')
const provider: IdentityProvider = {
  ...{ name: 'Acme', type: 'OIDC', clientId: 'latchkey', issuer: 'https://acme.example', scopes: 'openid' },
  ...{ userInfoMethod: 'GET', attributeMapping: {}, identifiers: [], requiresMfa: true, allowPrivateAddresses: false },
}
const userPool = { identityProviders: [provider] }
const identity: Identity = {
  ...{ providerName: 'Acme', providerType: 'OIDC' as const, issuer: 'https://acme.example', userId: 'ada' },
  ...{ primary: true, linkedAt: '2026-11-26T12:00:00Z' },
}
const elsewhere = { status: 'EXTERNAL_PROVIDER' } as const
const user: User = {
  userPoolId: 'eu-west-1_a',
  sub: '6f9b1c0e-3c55-4c4f-9a39-1f4f6f0d8c11',
  username: 'ada',
  status: 'CONFIRMED',
  enabled: true,
  attributes: {},
  createdAt: signedIn,
  updatedAt: signedIn,
}

test.each<[string, Partial<User>, boolean]>([
  ['as they are', {}, true],
  ['of a provider', { ...elsewhere, identities: [identity] }, true],
  ['of no provider', elsewhere, false],
  ['of a provider that is gone', { ...elsewhere, identities: [{ ...identity, providerName: 'Gone' }] }, false],
  ['of one with its name', { ...elsewhere, identities: [{ ...identity, issuer: 'https://evil.example' }] }, false],
  ['disabled', { enabled: false }, false],
  ['not confirmed', { status: 'UNCONFIRMED' }, false],
  ['about to choose a password', { status: 'FORCE_CHANGE_PASSWORD' }, false],
  ['in need of a new password', { status: 'RESET_REQUIRED' }, false],
  ['signed out before', { signedOutAt: new Date('2026-11-26T11:59:59Z') }, true],
  ['signed out in that very second', { signedOutAt: new Date('2026-11-26T12:00:00.900Z') }, true],
  ['signed out since', { signedOutAt: new Date('2026-11-26T12:00:01Z') }, false],
])('whoever is %s', (_what, change, may) => {
  expect(mayReceiveTokens(userPool, { ...user, ...change }, signedIn)).toBe(may)
})
