import { describe, expect, test } from 'vitest'
import { formTarget, pageHeaders } from '../../src/security/page-headers.ts'

describe('the headers of a page', () => {
  const headers = (formTargets?: string[], secure = true) =>
    pageHeaders({ nonce: 'bm9uY2U', secure, ...(formTargets === undefined ? {} : { formTargets }) })
  const directives = (formTargets?: string[]) =>
    new Map(
      (headers(formTargets)['Content-Security-Policy'] ?? '').split('; ').map((directive) => {
        const [name = '', ...values] = directive.split(' ')
        return [name, values]
      }),
    )

  test('allow our own script and style and nothing else (threat row E12)', () => {
    const policy = directives()
    expect(policy.get('default-src')).toEqual(["'none'"])
    expect(policy.get('script-src')).toEqual(["'nonce-bm9uY2U'"])
    expect(policy.get('style-src')).toEqual(["'self'"])
    expect(policy.get('frame-ancestors')).toEqual(["'none'"])
    expect(policy.get('base-uri')).toEqual(["'none'"])
    expect(policy.get('form-action')).toEqual(["'self'"])
    expect([...policy.values()].flat()).not.toContain("'unsafe-inline'")
  })

  test('name where a form’s answer may lead', () => {
    expect(directives(['https://app.example.com', 'myapp:']).get('form-action')).toEqual([
      "'self'",
      'https://app.example.com',
      'myapp:',
    ])
  })

  test('forbid framing, caching, sniffing and referrers', () => {
    expect(headers()).toMatchObject({
      'Cache-Control': 'no-store',
      'X-Frame-Options': 'DENY',
      'X-Content-Type-Options': 'nosniff',
      'Referrer-Policy': 'no-referrer',
    })
  })

  test('ask for https only where there is https', () => {
    expect(headers(undefined, true)).toHaveProperty('Strict-Transport-Security')
    expect(headers(undefined, false)).not.toHaveProperty('Strict-Transport-Security')
  })
})

describe('what form-action takes for a redirect URI', () => {
  test.each([
    ['https://app.example.com/callback?x=1', 'https://app.example.com'],
    ['https://app.example.com:8443/', 'https://app.example.com:8443'],
    ['http://localhost:4000/callback', 'http://localhost:4000'],
    ['http://[::1]:4000/', 'http:'],
    ['https://MÜNCHEN.example/', 'https://xn--mnchen-3ya.example'],
    ['myapp://callback', 'myapp:'],
    ['com.example.app:/callback', 'com.example.app:'],
  ])('%s: %s', (uri, target) => expect(formTarget(uri)).toBe(target))

  test.each([
    '',
    'nonsense',
    '/callback',
    '//evil.example/',
    'https://',
    "https://a;script-src'unsafe-inline'/",
    'https://a,b.example/',
    "https://a'b.example/",
    'https://*.example.com/',
    'https://*/',
    'https://a b.example/',
    'https://a\r\nX-Evil: 1.example/',
  ])('%j is left out, or ends no directive', (uri) => {
    expect(formTarget(uri) ?? '').toMatch(/^[\w.:[\]/+-]*$/)
    expect(formTarget(uri) ?? '').not.toContain('*')
  })
})
