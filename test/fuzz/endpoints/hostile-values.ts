import fc from 'fast-check'
import type { Arbitrary } from 'fast-check'
import { probes } from '../sound-answer.ts'

/* Texts that break what does not expect them. None of them says what a sound answer may not hold by itself. */

const injectedHeader = `${probes.header}: 1`
/** Joined by whatever runs it, and by nothing else. */
const [probeStart, probeEnd] = probes.evaluated.split('-')

const characters = [
  '',
  ' ',
  '\t',
  '\0',
  'a\0b',
  '\ud800',
  '\udfff',
  'a\ud83d',
  '\u202egnp.exe',
  '\u200f\u200e',
  '\ufeff',
  '\u0085\u2028\u2029',
  '💣',
  '👩‍👩‍👧‍👦',
  'e\u0301',
  'ﬁ',
  'İıß',
  '１２３４５６',
  '١٢٣٤٥٦',
  'ａdmin＠example.com',
]

const encodings = [
  '%',
  '%zz',
  '%u0041',
  '%00',
  '%c0%af',
  '%ff',
  '%ed%a0%80',
  '%2500',
  '%252e%252e',
  '+',
  '&',
  '=',
  ';',
  '#',
  '?',
]

const lines = [
  `\r\n${injectedHeader}`,
  `%0d%0a${injectedHeader}`,
  `\n${injectedHeader}\n\n${probes.markup}>`,
  `\r\n\r\n${probes.markup}>`,
  '\r',
  '\u010d\u010a',
]

const fragments = [
  "' or '1'='1",
  "'; drop table users; --",
  '$1',
  '\\',
  '%_',
  `{{ '${probeStart}' | append: '-${probeEnd}' }}`,
  `{% assign x = '${probeStart}' %}{{ x }}-${probeEnd}`,
  '{% raw %}',
  '{{',
  '{count, plural,',
  `${probes.markup}>`,
  `"${probes.markup} x="`,
  `'>${probes.markup}>`,
  `</script>${probes.markup}>`,
  `--></textarea>${probes.markup}>`,
]

const names = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  'then',
  '[]',
  'a[b]',
  'a[__proto__][b]',
  '[0]',
]
const json = ['null', 'true', '{}', '[]', '{"a":1}', '{"__proto__":{"a":1}}', '["a"]', '"a"', '{', `${'['.repeat(200)}`]

const numbers = [
  '0',
  '-0',
  '-1',
  '1e309',
  '0x10',
  'NaN',
  'Infinity',
  '2147483648',
  '-2147483649',
  '4294967296',
  '9007199254740993',
  '8640000000001',
  '9'.repeat(40),
]

const addresses = [
  '//evil.example',
  '/\\evil.example',
  '\\\\evil.example',
  'https://evil.example/',
  'https://app.example@evil.example/callback',
  'https://app.example.evil.example/callback',
  'https://app.example/callback/../other',
  'https://app.example/callback#x',
  'https://app.example:99999/callback',
  'https://[::1',
  `javascript:alert(1)//${probes.markup}>`,
  `data:text/html,${probes.markup}>`,
  'com.example.app:/callback',
  'ana@example.com\r\nBcc: eve@example.com',
  'ana+fuzz@example.com, eve@example.com',
  '"ana"@example.com',
  'ana@[127.0.0.1]',
]

const long = fc
  .tuple(fc.constantFrom('a', 'Ä', '💣', '%41', ' ', '.', '&', '(', '=a&'), fc.constantFrom(129, 257, 1025, 2049, 8193))
  .map(([text, times]) => text.repeat(times))

const known = [characters, encodings, lines, fragments, names, json, numbers, addresses].map((texts) =>
  fc.constantFrom(...texts),
)

const one: Arbitrary<string> = fc.oneof(
  ...known.map((arbitrary) => ({ arbitrary, weight: 3 })),
  { arbitrary: fc.string({ unit: 'binary', maxLength: 20 }), weight: 2 },
  { arbitrary: fc.string({ unit: 'grapheme', maxLength: 20 }), weight: 1 },
  { arbitrary: long, weight: 1 },
)

export const hostileText: Arbitrary<string> = fc.oneof(
  { arbitrary: one, weight: 4 },
  { arbitrary: fc.tuple(one, one).map((texts) => texts.join('')), weight: 1 },
)

export const hostileName: Arbitrary<string> = fc.oneof(fc.constantFrom(...names), hostileText)
