import { describe, expect, test } from 'vitest'
import { createAddressReader, networkOf } from '../../src/security/client-address.ts'

describe('a visitor’s address', () => {
  test('is the peer’s, whatever headers say, as long as no proxy is trusted (threat rows B8, F8)', () => {
    const read = createAddressReader([])
    for (const said of [undefined, '203.0.113.7', '127.0.0.1', '203.0.113.7, 127.0.0.1', 'a', ',,,', '::1']) {
      expect(read('198.51.100.9', said)).toBe('198.51.100.9')
      expect(read('127.0.0.1', said)).toBe('127.0.0.1')
    }
  })

  test.each([
    ['nothing said', undefined, '10.0.0.1'],
    ['one hop', '203.0.113.7', '203.0.113.7'],
    ['what the visitor made up on the left is not believed', '1.1.1.1, 203.0.113.7', '203.0.113.7'],
    ['two trusted proxies', '1.1.1.1, 203.0.113.7, 10.0.0.2', '203.0.113.7'],
    ['proxies only', '10.0.0.3, 10.0.0.2', '10.0.0.3'],
    ['no address', 'unknown', '10.0.0.1'],
    ['no address between proxies', '203.0.113.7, evil, 10.0.0.2', '10.0.0.2'],
    ['an empty hop', '203.0.113.7,', '10.0.0.1'],
    ['a port', '203.0.113.7:4711', '203.0.113.7'],
    ['IPv6', '2001:db8::7', '2001:db8::7'],
    ['IPv6 in brackets, with a port', '[2001:DB8:0:0::7]:4711', '2001:db8::7'],
    ['IPv6 spelled at length', '2001:0db8:0000:0000:0000:0000:0000:0007', '2001:db8::7'],
    ['IPv4 inside IPv6', '::ffff:203.0.113.7', '203.0.113.7'],
    ['the same in hexadecimal', '::ffff:cb00:7107', '203.0.113.7'],
    ['a zone', 'fe80::1%eth0', 'fe80::1'],
    ['octal and short forms, which readers disagree about', '0313.0.0161.07', '10.0.0.1'],
    ['a number', '3405803783', '10.0.0.1'],
    ['markup', '<script>', '10.0.0.1'],
  ])('behind a trusted proxy: %s', (_what, said, address) => {
    expect(createAddressReader(['10.0.0.0/8'])('10.0.0.1', said)).toBe(address)
  })

  test('more hops than anybody has are not walked', () => {
    const chain = Array.from({ length: 5000 }, () => '10.0.0.2').join(', ')
    expect(createAddressReader(['10.0.0.0/8'])('10.0.0.1', `203.0.113.7, ${chain}`)).toBe('10.0.0.2')
  })

  test.each([
    ['10.0.0.0/8', '::ffff:10.1.2.3', true],
    ['::ffff:10.0.0.0/104', '10.1.2.3', true],
    ['10.0.0.0/8', '11.0.0.1', false],
    ['2001:db8::/32', '2001:db8:1::1', true],
    ['2001:db8::/32', '2001:db9::1', false],
    ['::1', '::1', true],
    ['127.0.0.1', '127.0.0.2', false],
    ['0.0.0.0/1', '::1', false],
  ])('%s trusts %s: %s', (range, peer, trusted) => {
    expect(createAddressReader([range])(peer, '203.0.113.7')).toBe(
      trusted ? '203.0.113.7' : peer.replace('::ffff:', ''),
    )
  })

  test('is unknown where the peer is', () => {
    expect(createAddressReader(['10.0.0.0/8'])(undefined, '203.0.113.7')).toBeUndefined()
  })
})

describe('what limits count as one visitor', () => {
  test.each([
    ['203.0.113.7', '203.0.113.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2:ffff::1', '2001:db8:1:2::/64'],
    ['2001:db8:1:3::1', '2001:db8:1:3::/64'],
    ['::1', '::/64'],
  ])('%s is of %s', (address, network) => {
    expect(networkOf(address)).toBe(network)
  })
})
