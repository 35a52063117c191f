import { describe, expect, test } from 'vitest'
import { isRegisteredUri, redirectUriProblem } from '../../src/domain/app-clients/redirect-uri.ts'

describe('a URI that may be registered', () => {
  test.each([
    'https://app.example.com/callback',
    'https://app.example.com',
    'https://app.example.com:8443/callback?tenant=a&b=',
    'https://xn--mnchen-3ya.example/',
    'http://localhost:4000/callback',
    'http://localhost',
    'http://127.0.0.1:4000/',
    'http://[::1]:4000/',
    'myapp://callback',
    'com.example.app:/callback',
    `https://app.example.com/${'x'.repeat(1000)}`,
    'https://app.example.com/@me?encode=1&mycode=2&states=3',
  ])('%s', (uri) => expect(redirectUriProblem(uri)).toBeUndefined())
})

describe('a URI that may not (threat rows C1, C2, C12)', () => {
  test.each([
    ['javascript:alert(1)', /scheme javascript:/],
    ['JavaScript:alert(1)', /scheme javascript:/],
    ['vbscript:x', /scheme/],
    ['data:text/html,x', /scheme/],
    ['blob:https://app.example.com/x', /scheme/],
    ['file:///etc/passwd', /scheme/],
    ['ftp://app.example.com/', /scheme/],
    ['http://app.example.com/callback', /https/],
    ['http://localhost.example.com/', /https/],
    ['http://127.0.0.1.nip.io/', /https/],
    ['http://[::2]/', /https/],
    ['http://localhost:80@evil.example/', /user name/],
    ['https://user:password@app.example.com/', /user name/],
    ['https://@evil.example/', /user name/],
    ['https://:@evil.example', /user name/],
    ['myapp://user@host', /user name/],
    ['https://app.example.com/#part', /fragment/],
    ['https://app.example.com/#', /fragment/],
    ['https://*.example.com/', /wildcards/],
    ['https://app.example.com/*', /wildcards/],
    ['https://app.example.com\\@evil.example/', /backslashes/],
    ['https://app.example.com/a b', /blanks/],
    [' https://app.example.com/', /blanks/],
    ['java\tscript:alert(1)', /control/],
    ['https://app.example.com/\r\nx', /control/],
    ['https://app.example.com/\0', /control/],
    ['https://app.example.com/"><script>', /must not hold/],
    ['//evil.example/', /absolute/],
    ['/callback', /absolute/],
    ['app.example.com/callback', /absolute/],
    ['https:/app.example.com/', /absolute/],
    ['https:app.example.com', /absolute/],
    ['https:///app.example.com/', /absolute/],
    ['https://', /absolute/],
    ['', /absolute/],
    ['https://app.example.com/?code=1', /"code"/],
    ['https://app.example.com/?a=b&state=1', /"state"/],
    ['https://app.example.com/?%63ode=1', /"code"/],
    ['https://app.example.com/?error=x', /"error"/],
    ['https://app.example.com/?iss=x', /"iss"/],
    ['https://app.example.com/?id_token=x', /"id_token"/],
    ['https://app.example.com/?scope=x', /"scope"/],
    ['https://app.example.com/?CODE=x', /"code"/],
    ['https://app.example.com/?code[]=x', /"code"/],
    ['https://app.example.com/?%20code=x', /"code"/],
    ['https://app.example.com/?id.token=x', /"id_token"/],
    ['https://app.example.com/?a=b;code=x', /"code"/],
    ['https://münchen.example/', /ASCII/],
    ['https://app.example.com/ü', /ASCII/],
    ['https://аpp.example.com/', /ASCII/],
    ['filesystem:https://app.example.com/x', /scheme/],
    ['view-source:https://app.example.com/', /scheme/],
    ['mailto:somebody@example.com', /scheme/],
    ['urn:latchkey:account', /account page/],
    [`https://app.example.com/${'x'.repeat(1001)}`, /1,024/],
  ])('%j', (uri, problem) => expect(redirectUriProblem(uri)).toMatch(problem))
})

test('only the exact string is registered', () => {
  const registered = ['https://app.example.com/callback']
  expect(isRegisteredUri(registered, 'https://app.example.com/callback')).toBe(true)
  for (const uri of [
    'https://app.example.com/callback/',
    'https://app.example.com/Callback',
    'https://APP.example.com/callback',
    'https://app.example.com:443/callback',
    'https://app.example.com/callback?',
    'https://app.example.com/x/../callback',
    'https://app.example.com/%63allback',
  ]) {
    expect(isRegisteredUri(registered, uri), uri).toBe(false)
  }
})
