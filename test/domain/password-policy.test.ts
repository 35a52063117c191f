import { describe, expect, test } from 'vitest'
import { brokenRules, passwordRules } from '../../src/domain/users/password-policy.ts'
import { poolWith } from './domain-fixture.ts'

const policyOf = (settings: Record<string, unknown> = {}) =>
  poolWith({ Policies: { PasswordPolicy: settings } }).passwordPolicy
const none = { RequireUppercase: false, RequireLowercase: false, RequireNumbers: false, RequireSymbols: false }
const strict = policyOf()

describe('the password policy', () => {
  test('wants eight characters of all four classes unless told otherwise, named in Cognito’s order', () => {
    expect(passwordRules(strict)).toEqual(['length', 'uppercase', 'lowercase', 'number', 'symbol'])
    expect(brokenRules(strict, '')).toEqual(['length', 'uppercase', 'lowercase', 'number', 'symbol'])
    expect(passwordRules(policyOf(none))).toEqual(['length'])
  })

  test.each([
    ['Abcdef1!', []],
    ['Abcde1!', ['length']],
    ['abcdef1!', ['uppercase']],
    ['ABCDEF1!', ['lowercase']],
    ['Abcdefg!', ['number']],
    ['Abcdefg1', ['symbol']],
    ['Abcd ef1', []],
    [' Abcdef1', ['symbol', 'no-outer-space']],
    ['Abcdef1! ', ['no-outer-space']],
    ['\tAbcdef1!', ['no-outer-space']],
    ['Äbcdef1!', []],
    ['абвгдЕ1!', []],
    ['Abcdef1\0!', []],
  ])('%j breaks %j', (password, broken) => expect(brokenRules(strict, password)).toEqual(broken))

  test('knows Cognito’s symbols and no others', () => {
    const policy = policyOf({ ...none, RequireSymbols: true, MinimumLength: 6 })
    for (const symbol of '^$*.[]{}()?"!@#%&/\\,><\':;|_~`=+-') {
      expect(brokenRules(policy, `abcdef${symbol}`), symbol).toEqual([])
    }
    for (const other of '§€ä£¨1A') expect(brokenRules(policy, `abcdef${other}`), other).toEqual(['symbol'])
  })

  test('takes the length that the pool sets', () => {
    expect(brokenRules(policyOf({ ...none, MinimumLength: 12 }), 'x'.repeat(11))).toEqual(['length'])
    expect(brokenRules(policyOf({ ...none, MinimumLength: 12 }), 'x'.repeat(12))).toEqual([])
  })

  test('stops at 256 characters (threat row B20), however long it is', () => {
    expect(brokenRules(strict, `Ab1!${'x'.repeat(252)}`)).toEqual([])
    expect(brokenRules(strict, `Ab1!${'x'.repeat(253)}`)).toEqual(['too-long'])
    expect(brokenRules(strict, 'x '.repeat(500_000))).toContain('too-long')
  })
})

test('a temporary password lives seven days unless told otherwise; Cognito’s 0 means the same', () => {
  expect(strict.temporaryPasswordValidityDays).toBe(7)
  expect(policyOf({ TemporaryPasswordValidityDays: 0 }).temporaryPasswordValidityDays).toBe(7)
  expect(policyOf({ TemporaryPasswordValidityDays: 90 }).temporaryPasswordValidityDays).toBe(90)
})
