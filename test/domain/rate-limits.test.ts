import { describe, expect, test } from 'vitest'
import { userPoolConfigurationSchema } from '../../src/domain/user-pools/configuration.ts'
import { recipientKey, typedRecipientKey } from '../../src/domain/rate-limits/recipient-key.ts'
import { poolWith } from './domain-fixture.ts'

describe('a recipient', () => {
  test.each([
    [
      'ada@example.com',
      ['ADA@Example.COM', 'ada+1@example.com', 'a.d.a@example.com', 'A.da+b+c@EXAMPLE.com.', 'ａｄａ@example.com'],
    ],
    ['ada@xn--bcher-kva.example', ['ada@bücher.example', 'Ada@BÜCHER.example']],
    ['+4930901820', ['+49 30 901820', '+49 (30) 90-18-20', '+49.30.901820']],
    ['+1@example.com', ['+1@example.com']],
  ])('%s is one, however it is spelt', (key, spellings) => {
    for (const spelling of [key, ...spellings]) expect([spelling, recipientKey(spelling)]).toEqual([spelling, key])
  })

  test('is another one by another mailbox or host', () => {
    const keys = [
      'ada@example.com',
      'adb@example.com',
      'ada@example.org',
      'ada@a.example.com',
      '+4930901821',
      '+4930901820',
    ]
    expect(new Set(keys.map(recipientKey)).size).toBe(keys.length)
  })

  test('is the address that was typed, or else the name, as the pool tells names apart', () => {
    const insensitive = poolWith()
    expect(typedRecipientKey(insensitive, ' Ada+x@Example.com ')).toBe('ada@example.com')
    expect(typedRecipientKey(insensitive, 'Ada.B+c')).toBe('ada.b+c')
    const sensitive = poolWith({ UsernameConfiguration: { CaseSensitive: true } })
    expect(typedRecipientKey(sensitive, 'Ada')).toBe('Ada')
    expect(typedRecipientKey(sensitive, 'ADA@example.com')).toBe('ada@example.com')
  })
})

describe('RateLimits', () => {
  test('has defaults for every limit, and a window that is not named keeps its own', () => {
    const { rateLimits } = poolWith({
      RateLimits: { MessagesPerRecipient: { PerDay: 5, PerMinute: 1 }, TokenFailuresPerNetwork: {} },
    })
    expect(rateLimits).toEqual({
      ...poolWith().rateLimits,
      MessagesPerRecipient: [
        { seconds: 60, maximum: 1 },
        { seconds: 3600, maximum: 6 },
        { seconds: 86_400, maximum: 5 },
      ],
    })
    for (const windows of Object.values(rateLimits)) expect(windows.length).toBeGreaterThan(0)
  })

  test.each([
    [{ SignInsPerNetwork: { PerMinute: 0 } }, 'RateLimits.SignInsPerNetwork.PerMinute'],
    [{ SignInsPerNetwork: { PerMinute: 1_000_001 } }, 'RateLimits.SignInsPerNetwork.PerMinute'],
    [{ SignInsPerNetwork: { PerWeek: 1 } }, 'RateLimits.SignInsPerNetwork.PerWeek'],
    [{ SignInsPerUser: {} }, 'RateLimits.SignInsPerUser'],
    [{ MessagesPerClient: 5 }, 'RateLimits.MessagesPerClient'],
  ])('%j is refused', (RateLimits, place) => {
    const checked = userPoolConfigurationSchema.safeParse({ PoolName: 'pool', RateLimits })
    expect(checked.error?.issues.map(({ path }) => path.join('.'))).toEqual([place])
  })
})
