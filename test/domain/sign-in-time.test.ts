import { expect, test } from 'vitest'
import { signInTime, signOutTime } from '../../src/domain/sign-in/sign-in-time.ts'

const now = new Date('2026-11-24T12:00:00Z')
const after = (seconds: number): Date => new Date(now.getTime() + seconds * 1000)

test.each([
  ['no sign-out', undefined, 0],
  ['a sign-out before', after(-1), 0],
  ['a sign-out by a clock that is ahead', after(60), 60],
  ['one that is as far ahead as a clock may be', after(300), 300],
  ['one that no clock explains', after(301), 0],
])('a sign-in after %s is at %s + %d s', (_what, signedOutAt, expected) => {
  expect(signInTime(signedOutAt === undefined ? {} : { signedOutAt }, now)).toEqual(after(expected))
})

test.each([
  ['within a second', undefined, 0.25, 1],
  ['at its very beginning', undefined, 0, 0],
  ['when another server has written a later one', after(59.5), 0.25, 60],
])('a sign-out %s is later than every sign-in of that second', (_what, signedOutAt, at, expected) => {
  const user = signedOutAt === undefined ? {} : { signedOutAt }
  expect(signOutTime(user, after(at))).toEqual(after(expected))
})
