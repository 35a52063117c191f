import { expect, test } from 'vitest'
import { askedLevel, levelOf } from '../../src/domain/assurance/levels.ts'

/* How sure a sign-in is (reference: hosted UI, step-up). */

test.each<[number, string]>([
  [0, ''],
  [0, 'fed mfa'],
  [0, 'otp'],
  [1, 'pwd'],
  [1, 'pwd mfa'],
  [2, 'email_otp'],
  [2, 'sms'],
  [2, 'sms email_otp'],
  [3, 'swk'],
  [3, 'hwk mfa'],
  [3, 'pwd sms mfa'],
  [3, 'pwd email_otp'],
  [3, 'pwd swk mfa'],
  [4, 'pwd otp mfa'],
  [4, 'swk otp'],
  [4, 'email_otp otp'],
])('level %i: “%s”', (level, amr) => {
  expect(levelOf(amr.split(' '))).toBe(level)
})

test.each<[number, string | undefined]>([
  [0, undefined],
  [0, ''],
  [0, 'silver'],
  [3, 'three'],
  [2, 'four two unknown'],
])('level %i is enough for acr_values “%s”', (level, asked) => {
  expect(askedLevel({ acrValues: ['one', 'two', 'three', 'four'] }, asked)).toBe(level)
})
