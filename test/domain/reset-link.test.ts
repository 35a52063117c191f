import { expect, test } from 'vitest'
import { isResetLink, makeResetLink, resetLinkSeconds } from '../../src/domain/recovery/reset-link.ts'
import { addSeconds } from '../../src/platform/clock.ts'
import { systemRandom } from '../../src/platform/random.ts'
import { createSealedBox } from '../../src/security/sealed-box.ts'

/* Every member that a link of a reset mail is signed over counts by itself. */

const sealedBox = createSealedBox('Zq8Lk2Vx5Rw7Ty1Ub4Np9Mc6Hd3Fs0Ga', systemRandom)
const at = new Date('2026-11-26T12:00:00Z')
const user = {
  userPoolId: 'eu-west-1_a',
  sub: '6f9b1c0e-3c55-4c4f-9a39-1f4f6f0d8c11',
  attributes: { email: 'ada@example.com', name: 'Ada' },
  passwordHash: '$argon2id$one',
  status: 'CONFIRMED',
} as const
const url = new URL(
  makeResetLink({ sealedBox }, { resetLinkUrl: 'https://id.example/resetLink', clientId: 'web' }, user, at),
)
const parameter = (name: string): string => url.searchParams.get(name) ?? ''
const link = {
  clientId: parameter('client_id'),
  userSub: parameter('user'),
  expires: parameter('expires'),
  signature: parameter('signature'),
}

test('it works for the user, the client and the time that it was made for', () => {
  expect(isResetLink({ sealedBox }, link, user, at)).toBe(true)
  expect(isResetLink({ sealedBox }, link, { ...user, attributes: { email: 'ada@example.com' } }, at)).toBe(true)
  expect(isResetLink({ sealedBox }, link, user, addSeconds(at, resetLinkSeconds - 1))).toBe(true)
  expect(isResetLink({ sealedBox }, link, user, addSeconds(at, resetLinkSeconds))).toBe(false)
})

test.each([
  ['another pool', { userPoolId: 'eu-west-1_b' }],
  ['another user', { sub: '00000000-0000-4000-8000-000000000000' }],
  ['another address', { attributes: { email: 'eve@example.com' } }],
  ['another password', { passwordHash: '$argon2id$two' }],
  ['no password', { passwordHash: undefined }],
  ['a sign-out since', { signedOutAt: at }],
  ['another status', { status: 'RESET_REQUIRED' }],
] as const)('it does not with %s', (_what, change) => {
  expect(isResetLink({ sealedBox }, link, { ...user, ...change } as typeof user, at)).toBe(false)
})

test.each([
  ['client', { clientId: 'other' }],
  ['end', { expires: String(Number(link.expires) + 1) }],
  ['signature', { signature: link.signature.slice(0, -1) }],
])('it does not with another %s in it', (_what, change) => {
  expect(isResetLink({ sealedBox }, { ...link, ...change }, user, at)).toBe(false)
})

test('another server, with another secret, made none of it', () => {
  const other = createSealedBox('Ub4Np9Mc6Hd3Fs0GaZq8Lk2Vx5Rw7Ty1', systemRandom)
  expect(isResetLink({ sealedBox: other }, link, user, at)).toBe(false)
})
