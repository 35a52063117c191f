import { expect, test } from 'vitest'
import { userPoolConfigurationSchema } from '../../src/domain/user-pools/configuration.ts'
import { poolWith } from './domain-fixture.ts'

/** What is wrong with a user pool of these settings, a line each. */
function problems(settings: Record<string, unknown>): string[] {
  const checked = userPoolConfigurationSchema.safeParse({ PoolName: 'pool', ...settings })
  const issues = checked.success ? [] : checked.error.issues
  return issues.map(({ path, message }) => `${path.join('.')} ${message}`)
}

const template = (members: Record<string, unknown>) => ({ VerificationMessageTemplate: members })

test.each([
  ['DefaultEmailOption', ['CONFIRM_WITH_CODE', 'CONFIRM_WITH_LINK'], ['confirm_with_link', '', true]],
  ['EmailSubject', ['Your {####}', 'x'.repeat(140)], ['x'.repeat(141), 1]],
  ['EmailMessage', ['It is {####}.'], ['It is nowhere.', `{####}${'x'.repeat(20_000)}`]],
  ['EmailSubjectByLink', ['Welcome', 'x'.repeat(140)], ['x'.repeat(141)]],
  ['EmailMessageByLink', ['Please {##follow this##}.'], ['Follow me.', '{####}', '{##}', '{## a # b ##}']],
])('VerificationMessageTemplate.%s', (member, good, bad) => {
  for (const value of good) expect([value, problems(template({ [member]: value }))]).toEqual([value, []])
  for (const value of bad) {
    const [problem = ''] = problems(template({ [member]: value }))
    expect([value, problem]).toEqual([value, expect.stringMatching(`^VerificationMessageTemplate\\.${member} `)])
  }
})

test('a pool confirms by code unless it says otherwise', () => {
  expect(poolWith().confirmsByLink).toBe(false)
  expect(poolWith(template({ DefaultEmailOption: 'CONFIRM_WITH_CODE' })).confirmsByLink).toBe(false)
  expect(poolWith(template({ DefaultEmailOption: 'CONFIRM_WITH_LINK' })).confirmsByLink).toBe(true)
})

test('an unconfirmed sign-up is kept for a day to a year', () => {
  for (const days of [1, 365]) expect(problems({ UnconfirmedSignUpValidityDays: days })).toEqual([])
  for (const days of [0, 366, 1.5, '7', null]) {
    expect([days, problems({ UnconfirmedSignUpValidityDays: days }).length]).toEqual([days, 1])
  }
})

test('there are three hundred resource servers at most', () => {
  const some = (count: number) => ({
    ResourceServers: Array.from({ length: count }, (_, index) => ({ Identifier: `api-${index}`, Name: 'API' })),
  })
  expect(problems(some(300))).toEqual([])
  expect(problems(some(301))).toHaveLength(1)
})

test('a pool that insists on a second factor needs one', () => {
  const app = (Enabled: boolean) => ({ SoftwareTokenMfaConfiguration: { Enabled } })
  for (const more of [{}, app(true), { ...app(false), EmailMfaConfiguration: {} }, { SmsMfaConfiguration: {} }]) {
    expect(problems({ MfaConfiguration: 'ON', ...more })).toEqual([])
  }
  expect(problems({ MfaConfiguration: 'ON', ...app(false) })).toEqual([
    'MfaConfiguration needs a factor: SoftwareTokenMfaConfiguration, EmailMfaConfiguration or SmsMfaConfiguration',
  ])
  expect(problems({ MfaConfiguration: 'OPTIONAL', ...app(false) })).toEqual([])
})
