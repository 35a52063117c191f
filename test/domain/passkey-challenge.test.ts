import { expect, test } from 'vitest'
import { challengeEnd, newChallenge } from '../../src/domain/passkeys/challenge.ts'
import type { ChallengeSubject } from '../../src/domain/passkeys/challenge.ts'
import { systemRandom } from '../../src/platform/random.ts'
import { createSealedBox } from '../../src/security/sealed-box.ts'

/* What an authenticator is given to sign is good for one thing, for one person, for a while (WebAuthn §13.4.3; threat row B19). */

const begun = new Date('2026-11-27T12:00:00Z')
const minutes = (count: number): Date => new Date(begun.getTime() + count * 60_000)
const servicesAt = (now: Date, secret = 'an-installation-secret-of-tests-only') => ({
  sealedBox: createSealedBox(secret, systemRandom),
  random: systemRandom,
  clock: { now: () => now },
})
const subject: ChallengeSubject = ['add', 'eu-west-1_pool', 'ada']
const made = newChallenge(servicesAt(begun), subject, 15 * 60)
const challenge = made.toString('base64url')

test('it is good until its time is over', () => {
  expect(challengeEnd(servicesAt(minutes(14)), subject, challenge)).toEqual(minutes(15))
  expect(challengeEnd(servicesAt(minutes(15)), subject, challenge)).toBeUndefined()
})

test.each<[string, ChallengeSubject]>([
  ['a sign-in', ['signIn', 'eu-west-1_pool', 'ada']],
  ['another user pool', ['add', 'eu-west-1_other', 'ada']],
  ['another person', ['add', 'eu-west-1_pool', 'grace']],
  ['nobody in particular', ['add', 'eu-west-1_pool']],
])('it is not good for %s', (_, other) => {
  expect(challengeEnd(servicesAt(begun), other, challenge)).toBeUndefined()
})

test('nobody makes one, and nobody makes it last longer', () => {
  for (let index = 0; index < made.length; index += 1) {
    const changed = Buffer.from(made)
    changed[index]! ^= 1
    expect(challengeEnd(servicesAt(begun), subject, changed.toString('base64url')), `byte ${index}`).toBeUndefined()
  }
  expect(challengeEnd(servicesAt(begun), subject, made.subarray(0, -1).toString('base64url'))).toBeUndefined()
  expect(challengeEnd(servicesAt(begun), subject, '')).toBeUndefined()
  expect(challengeEnd(servicesAt(begun, 'another-installation-secret-of-tests'), subject, challenge)).toBeUndefined()
})

test('no two are alike', () => {
  const others = Array.from({ length: 100 }, () => newChallenge(servicesAt(begun), subject, 60).toString('base64url'))
  expect(new Set(others).size).toBe(100)
})
