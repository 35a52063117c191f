import { describe, expect, it } from 'vitest'
import { maskDestination, parseEmailAddress } from '../../src/domain/messages/email-address.ts'
import { parsePhoneNumber } from '../../src/domain/messages/phone-number.ts'

describe('e-mail addresses', () => {
  it.each([
    ['jo@example.com', 'jo@example.com'],
    ['  Jo.Do+news@Example.COM ', 'Jo.Do+news@Example.COM'],
    ["o'neil_{x}@mail.example.co.uk", "o'neil_{x}@mail.example.co.uk"],
    ['jo@münchen.example', 'jo@xn--mnchen-3ya.example'],
    ['jo@MÜNCHEN.example', 'jo@xn--mnchen-3ya.example'],
    ['jo@xn--mnchen-3ya.example', 'jo@xn--mnchen-3ya.example'],
    ['jo@日本.example', 'jo@xn--wgv71a.example'],
    [`${'a'.repeat(64)}@example.com`, `${'a'.repeat(64)}@example.com`],
  ])('takes %j', (text, address) => {
    expect(parseEmailAddress(text)).toBe(address)
  })

  it.each([
    ['nothing', ''],
    ['no at sign', 'example.com'],
    ['no local part', '@example.com'],
    ['a quoted local part that holds another address', '"e@attacker.example"@victim.example'],
    ['two at signs', 'a@b@example.com'],
    ['a comment', 'jo(x)@example.com'],
    ['a display name', 'Jo <jo@example.com>'],
    ['angle brackets', '<jo@example.com>'],
    ['a list', 'jo@example.com,mal@example.com'],
    ['a group', 'g:jo@example.com;'],
    ['a line break and a header', 'jo@example.com\r\nBcc: mal@example.com'],
    ['a line break at the end', 'jo@example.com\n'],
    ['a tab before', '\tjo@example.com'],
    ['a NUL', 'jo\u0000@example.com'],
    ['an inner space', 'jo do@example.com'],
    ['a space in the domain', 'jo@exam ple.com'],
    ['a local part that is not ASCII', 'jö@example.com'],
    ['a Cyrillic twin in the local part', 'jо@example.com'],
    ['a full-width at sign', 'jo＠example.com'],
    ['a full-width domain', 'jo@ｅxample.com'],
    ['an ideographic full stop', 'jo@example。com'],
    ['a soft hyphen', 'jo@exam\u00ADple.com'],
    ['a zero-width space', 'jo@exam\u200Bple.com'],
    ['a right-to-left override', 'jo@\u202Eexample.com'],
    ['a leading dot', '.jo@example.com'],
    ['a double dot', 'j..o@example.com'],
    ['a percent route', 'mal%victim.example@example.com'],
    ['a bang path', 'victim.example!mal@example.com'],
    ['one label', 'root@localhost'],
    ['an address literal', 'jo@[127.0.0.1]'],
    ['an IPv4 address', 'jo@127.0.0.1'],
    ['a number that parsers take for an IPv4 address', 'jo@0x7f.1'],
    ['a percent-encoded domain', 'jo@ex%61mple.com'],
    ['a trailing dot', 'jo@example.com.'],
    ['an empty label', 'jo@example..com'],
    ['a leading hyphen in a label', 'jo@-example.com'],
    ['an underscore in the domain', 'jo@ex_ample.com'],
    ['a port', 'jo@example.com:25'],
    ['a long local part', `${'a'.repeat(65)}@example.com`],
    ['a long label', `jo@${'a'.repeat(64)}.com`],
    ['a long address', `${'a'.repeat(60)}@${'example.'.repeat(25)}com`],
  ])('refuses %s', (_, text) => {
    expect(parseEmailAddress(text)).toBeUndefined()
  })

  it.each(['a', 'a.', '@', 'ü', '. '])('refuses any number of %j', (part) => {
    expect(parseEmailAddress(part.repeat(1_000_000))).toBeUndefined()
  })
})

describe('phone numbers', () => {
  it.each([
    ['+4930901820', '+4930901820'],
    [' +49 (30) 90.18-20 ', '+4930901820'],
    ['(+1) 555-0100', '+15550100'],
    ['+123456789012345', '+123456789012345'],
  ])('takes %j', (text, number) => {
    expect(parsePhoneNumber(text)).toBe(number)
  })

  it.each([
    '',
    '+',
    '030901820',
    '0049 30 901820',
    '+0 30 901820',
    '+123456',
    '+1234567890123456',
    '+49 30 901820 ext 5',
    '+4930901820\r\n',
    '+49+30901820',
    '＋4930901820',
    '+٤٩٣٠٩٠١٨٢٠',
    `+49${' '.repeat(100)}30901820`,
  ])('refuses %j', (text) => {
    expect(parsePhoneNumber(text)).toBeUndefined()
  })
})

describe('masked destinations', () => {
  it('look as Cognito’s do', () => {
    expect(maskDestination('EMAIL', 'jo@example.com')).toBe('j***@e***')
    expect(maskDestination('SMS', '+15550101234')).toBe('+*******1234')
  })

  it('do not tell how long the address is', () => {
    expect(maskDestination('EMAIL', 'josephine.doe@e.example')).toBe('j***@e***')
    expect(maskDestination('SMS', '+123456789012345')).toBe('+*******2345')
  })
})
