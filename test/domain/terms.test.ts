import { describe, expect, test } from 'vitest'
import { termsOf, termsSchema, termsUrl } from '../../src/domain/user-pools/terms.ts'

const privacy = 'https://example.com/privacy'
const check = (TermsOfUse: unknown) => termsSchema.safeParse({ TermsOfUse, PrivacyPolicy: privacy })

describe('a document', () => {
  test.each([
    'https://example.com/terms',
    'https://example.com:8443/terms?a=b#c',
    { 'cognito:default': privacy },
    { 'cognito:default': privacy, 'cognito:german': privacy, 'cognito:portuguese-brazil': privacy, ar: privacy },
    { 'cognito:default': privacy, 'zh-Hant-TW': privacy },
  ])('may be at %j', (written) => expect(check(written).success).toBe(true))

  test.each<[unknown]>(
    (
      [
        'http://example.com/terms',
        'javascript:alert(1)',
        'https:/example.com',
        'https:example.com',
        '//example.com',
        '/terms',
        'https://user:secret@example.com/',
        'https://',
        '',
        `https://example.com/${'x'.repeat(2048)}`,
        {},
        { de: privacy },
        { 'cognito:default': 'http://example.com' },
        { 'cognito:default': privacy, 'cognito:klingon': privacy },
        { 'cognito:default': privacy, toString: privacy },
        { 'cognito:default': privacy, 'de de': privacy },
        undefined,
        7,
      ] as unknown[]
    ).map((written) => [written]),
  )('may not be at %j', (written) => {
    const [issue] = check(written).error?.issues ?? []
    expect([issue?.path[0], issue?.message]).toEqual(['TermsOfUse', expect.stringContaining('must be an https URL')])
  })

  test('comes with the other one, as in Cognito', () => {
    expect(termsSchema.safeParse({ PrivacyPolicy: privacy }).success).toBe(false)
    expect(termsSchema.safeParse({ TermsOfUse: privacy }).success).toBe(false)
  })
})

test('the document is that of the page’s language, or of everybody', () => {
  const url = (name: string): string => `https://example.com/${name}`
  const written = {
    'cognito:default': url('default'),
    'cognito:german': url('de'),
    'cognito:portuguese-brazil': url('br'),
    AR: url('ar'),
  }
  const { termsOfUse, privacyPolicy } = termsOf({ TermsOfUse: written, PrivacyPolicy: privacy })
  const found = ['de', 'de-AT', 'pt-BR', 'pt', 'ar', 'en', 'd', ''].map((language) => termsUrl(termsOfUse, language))
  expect(found).toEqual(['de', 'de', 'br', 'default', 'ar', 'default', 'default', 'default'].map(url))
  expect(termsUrl(privacyPolicy, 'de')).toBe(privacy)
})
