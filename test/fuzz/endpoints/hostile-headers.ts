import fc from 'fast-check'
import type { Arbitrary } from 'fast-check'
import { often } from '../often.ts'
import { hostileText } from './hostile-values.ts'
import { live } from './live-values.ts'

/* Headers as nobody should send them. */

export type Pair = readonly [name: string, value: string]

const jar = `lk_browser_${live('pool')}=${live('browser')}; lk_session_${live('pool')}=${live('session')}`

export const cookieHeader: Arbitrary<string> = fc.oneof(
  often(jar, 12),
  often(`lk_browser_${live('pool')}=${live('browser')}`, 4),
  often('', 1),
  { arbitrary: hostileText.map((text) => `${jar}; lang=${headerText(text)}`), weight: 1 },
  { arbitrary: hostileText.map((text) => `lk_session_${live('pool')}=${headerText(text)}; ${jar}`), weight: 1 },
  { arbitrary: hostileText.map((text) => `lk_browser_${live('pool')}=${headerText(text)}`), weight: 1 },
  {
    arbitrary: fc.constantFrom(`${jar}; ${jar}`, ';;=;', '__proto__=1', `a=${'b'.repeat(8000)}`, `${jar};`.repeat(40)),
    weight: 1,
  },
)

const basic = (text: string): string => `Basic ${Buffer.from(text, 'latin1').toString('base64')}`

const authorizationHeader: Arbitrary<string> = fc.oneof(
  fc.constantFrom(
    `Bearer ${live('access_token')}`,
    `bearer ${live('access_token')}`,
    `Bearer ${live('id_token')}`,
    `Bearer ${live('refresh_token')}`,
    `Bearer ${live('access_token', true)}`,
    `Bearer ${live('access_token')} ${live('access_token')}`,
    'Bearer',
    'Bearer a.b.c',
    'Bearer eyJhbGciOiJub25lIn0.e30.',
    'DPoP a',
    'Digest username="a"',
    'Basic',
    'Basic !',
    basic('shop'),
    basic(':'),
    basic('%zz:%'),
    basic('shop:b4ckend%2Bsecret%2Fwith%3Aodd%25characters'),
    basic('machine:b4ckend%2Bsecret%2Fwith%3Aodd%25characters'),
    basic('web:'),
  ),
  hostileText.map((text) => `Bearer ${headerText(text)}`),
  hostileText.map((text) => basic(text)),
)

const languageHeader = fc.constantFrom('ar', '*', 'de;q=a', 'x'.repeat(4000), ',,,;', 'en-GB-x-y-z-a;q=0.1,de')

const known: Arbitrary<Pair> = fc.oneof(
  authorizationHeader.map((value): Pair => ['Authorization', value]),
  languageHeader.map((value): Pair => ['Accept-Language', value]),
  fc.constantFrom<Pair>(
    ['Origin', 'https://app.example'],
    ['Origin', 'https://evil.example'],
    ['Origin', 'null'],
    ['Accept', 'application/json'],
    ['Accept', 'text/html;q=0.1, image/*'],
    ['Accept-Encoding', 'br, gzip'],
    ['If-None-Match', '*'],
    ['If-None-Match', 'W/"a", "b'],
    ['Range', 'bytes=0-1,5-'],
    ['Expect', '100-continue'],
    ['Expect', 'a miracle'],
    ['Upgrade', 'h2c'],
    ['Access-Control-Request-Method', 'POST'],
    ['Access-Control-Request-Headers', 'x-a, \u00e4, x y'],
    ['X-HTTP-Method-Override', 'DELETE'],
    ['Content-Length', '-1'],
    ['Content-Length', '99999999999999999999'],
    ['Transfer-Encoding', 'gzip, chunked'],
    ['Content-Type', 'application/x-www-form-urlencoded; boundary=a; charset='],
    ['Content-Type', ''],
  ),
)

const hostileHeaderNames = [
  'X-Forwarded-For',
  'X-Forwarded-Host',
  'X-Forwarded-Proto',
  'X-Forwarded-Port',
  'X-Forwarded-Prefix',
  'Forwarded',
  'X-Real-IP',
  'X-Original-URL',
  'X-Rewrite-URL',
  'X-Request-Id',
  'X-Amz-Target',
  'Origin',
  'Referer',
  'User-Agent',
  'Accept',
  'Accept-Language',
  'Accept-Encoding',
  'If-None-Match',
  'Content-Type',
  'Content-Encoding',
  'Authorization',
  'Access-Control-Request-Headers',
]

export const header: Arbitrary<Pair> = fc.oneof(
  { arbitrary: known, weight: 1 },
  { arbitrary: fc.tuple(fc.constantFrom(...hostileHeaderNames), hostileText.map(headerText)), weight: 1 },
)

/** A header's value ends with its line. */
export function headerText(text: string): string {
  return text.replaceAll(/[\r\n]/g, ' ')
}
