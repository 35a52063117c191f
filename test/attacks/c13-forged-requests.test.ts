import dns from 'node:dns'
import { syncBuiltinESMExports } from 'node:module'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { guardedPost, isPublicAddress } from '../../src/platform/http/guarded-request.ts'
import { startTlsFront } from '../support/tls-front.ts'
import type { TlsFront } from '../support/tls-front.ts'

/*
 * C13, a server that is made to ask what only it can reach (Logto CVE-2026-56739; ZITADEL CVE-2025-67494, CVE-2024-49753;
 * better-auth GHSA-5rr4-8452-hf4v): webhooks and Lambda endpoints of triggers lead to public addresses only, unless the
 * operator says otherwise. Guards src/platform/http/guarded-request.ts.
 */

/** The name service, at which every name is somebody else's. */
const lookup = vi.spyOn(dns, 'lookup')

let front: TlsFront
beforeAll(async () => {
  syncBuiltinESMExports()
  front = await startTlsFront()
})
afterAll(async () => {
  lookup.mockRestore()
  syncBuiltinESMExports()
  await front.stop()
})

type Callback = (error: Error | null, addresses: { address: string; family: number }[]) => void

/** What the name service says, call by call; the last one stays. */
function resolveTo(...answers: string[][]): void {
  let calls = 0
  vi.mocked(dns.lookup as unknown as (host: string, options: object, callback: Callback) => void).mockImplementation(
    (_host, _options, callback) => {
      const addresses = answers[Math.min(calls, answers.length - 1)] ?? []
      calls += 1
      callback(
        null,
        addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
      )
    },
  )
}
beforeEach(() => {
  lookup.mockReset()
})

const post = (url: string, allowPrivateAddresses = false) =>
  guardedPost({ url, headers: {}, body: '{}' }, { allowPrivateAddresses, signal: AbortSignal.timeout(5000) })

const inside = [
  ...['127.0.0.1', '127.255.255.254', '0.0.0.0', '10.0.0.1', '172.16.0.1', '192.168.1.1', '169.254.169.254'],
  ...['100.64.0.1', '192.0.0.1', '192.0.2.1', '198.18.0.1', '224.0.0.1', '240.0.0.1', '255.255.255.255'],
  ...['::1', '::', 'fe80::1', 'fc00::1', 'fd00:ec2::254', 'ff02::1', '2001:db8::1'],
  ...['::ffff:127.0.0.1', '::ffff:169.254.169.254', '64:ff9b::a00:1', '2002:7f00:1::', '2001::1'],
]

test.each(inside)('%s is no public address', (address) => {
  expect(isPublicAddress(address)).toBe(false)
})

test.each(['93.184.215.14', '8.8.8.8', '2606:4700:4700::1111'])('%s is one', (address) => {
  expect(isPublicAddress(address)).toBe(true)
})

describe.each(inside)('a name that leads to %s', (address) => {
  test('is not asked', async () => {
    resolveTo([address])
    await expect(post('https://hooks.example.com/')).rejects.toThrow('is at a private address')
  })

  test('is not asked either where a public address stands beside it', async () => {
    resolveTo(['93.184.215.14', address])
    await expect(post('https://hooks.example.com/')).rejects.toThrow('is at a private address')
  })
})

test.each([
  ...['https://127.0.0.1/', 'https://[::1]/', 'https://0/', 'https://127.1/', 'https://2130706433/', 'https://0x7f.1/'],
  ...['https://[::ffff:127.0.0.1]/', 'https://169.254.169.254/latest/meta-data/'],
])('the address %s is not asked, however it is written', async (url) => {
  await expect(post(url)).rejects.toThrow('is at a private address')
  expect(lookup).not.toHaveBeenCalled()
})

test('a name that changes its mind is not asked for another answer', async () => {
  resolveTo(['127.0.0.1'], ['93.184.215.14'])
  await expect(post('https://hooks.example.com/')).rejects.toThrow('is at a private address')
  // What was looked at is what would have been connected to: nobody asks the name service again.
  expect(lookup).toHaveBeenCalledTimes(1)
})

test('where the operator says so, it is asked', async () => {
  const answer = await post(front.origin.replace('localhost', '127.0.0.1'), true).catch(String)
  // The certificate is of the name: it was reached.
  expect(answer).toMatch(/certificate|altnames|IP/i)
})
