import { sql } from 'kysely'
import { afterEach, expect, test, vi } from 'vitest'
import type { RateBucket } from '../../src/domain/ports/rate-limiter.ts'
import { createRateLimiter } from '../../src/persistence/rate-limiter.ts'
import { openDatabase } from '../../src/persistence/database.ts'
import { systemClock } from '../../src/platform/clock.ts'
import { log, onEachDatabase } from './databases.ts'

const hour = 3600
const bucketOf = (bucket: string, ...windows: RateBucket['windows']): RateBucket => ({
  limit: 'MessagesPerRecipient',
  bucket,
  windows,
})

onEachDatabase((context) => {
  const onPostgres = context.kind === 'postgres' ? test : () => {}
  afterEach(() => {
    vi.useRealTimers()
  })
  const limiter = () => createRateLimiter(context.database, systemClock)

  test('of many at once as many get through as may, and the others are told how long to wait', async () => {
    const { consume } = limiter()
    const bucket = bucketOf('parallel', { seconds: hour, maximum: 5 })
    const waits = await Promise.all(Array.from({ length: 40 }, () => consume(bucket)))
    expect(waits.filter((seconds) => seconds === undefined)).toHaveLength(5)
    const told = waits.filter((seconds) => seconds !== undefined)
    for (const seconds of told) expect(seconds > hour - 60 && seconds <= hour).toBe(true)
  })

  test('a longer window goes on counting when a shorter one is over, and not what the shorter one has refused', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const { consume } = limiter()
    const bucket = bucketOf('two windows', { seconds: 60, maximum: 2 }, { seconds: hour, maximum: 5 })
    const waits: (number | undefined)[][] = []
    for (let minute = 0; minute < 3; minute += 1) {
      const inMinute: (number | undefined)[] = []
      for (let index = 0; index < 3; index += 1) inMinute.push(await consume(bucket))
      waits.push(inMinute)
      vi.setSystemTime(Date.now() + 60_001)
    }
    // The fifth of the hour is the first of the third minute; behind it there is the rest of the hour to wait.
    const restOfHour = hour - 120
    expect(waits).toEqual([
      [undefined, undefined, 60],
      [undefined, undefined, 60],
      [undefined, restOfHour, restOfHour],
    ])
  })

  test('with other settings there is room at once', async () => {
    const { consume } = limiter()
    const full = bucketOf('raised', { seconds: hour, maximum: 1 })
    await consume(full)
    expect(await consume(full)).toBeGreaterThan(0)
    expect(await consume(bucketOf('raised', { seconds: hour, maximum: 9 }))).toBeUndefined()
  })

  test('what is full is known in the process until it is over', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const { consume, secondsLeft } = limiter()
    const bucket = bucketOf('known', { seconds: 60, maximum: 1 })
    expect(secondsLeft(bucket)).toBeUndefined()
    await consume(bucket)
    expect(secondsLeft(bucket)).toBeUndefined()
    await consume(bucket)
    expect(secondsLeft(bucket)).toBe(60)
    expect(secondsLeft(bucketOf('another', ...bucket.windows))).toBeUndefined()
    vi.setSystemTime(Date.now() + 60_001)
    expect(secondsLeft(bucket)).toBeUndefined()
    expect(await consume(bucket)).toBeUndefined()
  })

  onPostgres('two servers count together, and a full bucket costs neither of them a query', async () => {
    const [first, second] = [limiter(), limiter()]
    const bucket = bucketOf('shared', { seconds: hour, maximum: 3 })
    expect(await first.consume(bucket)).toBeUndefined()
    expect(await second.consume(bucket)).toBeUndefined()
    expect(await second.consume(bucket)).toBeUndefined()
    expect(await first.consume(bucket)).toBeGreaterThan(0)
    const query = vi.spyOn(context.database.pool!, 'query')
    for (const { consume } of [first, second]) expect(await consume(bucket)).toBeGreaterThan(0)
    expect(query).not.toHaveBeenCalled()
    query.mockRestore()
  })

  onPostgres('a count that is over is swept away, and one that is not stays', async () => {
    const { kysely } = context.database
    await kysely.deleteFrom('rate_limits').execute()
    const { consume } = limiter()
    await consume(bucketOf('swept', { seconds: 60, maximum: 9 }, { seconds: hour, maximum: 9 }))
    const left = async (seconds: number) => {
      await context.store.housekeeping.deleteExpired(new Date(Date.now() + seconds * 1000), 100)
      return (await kysely.selectFrom('rate_limits').select('key').orderBy('key').execute()).map(({ key }) => key)
    }
    const [minute, whole] = ['MessagesPerRecipient:60:swept', 'MessagesPerRecipient:3600:swept']
    expect(await left(0)).toEqual([whole, minute])
    expect(await left(61)).toEqual([whole])
    expect(await left(hour + 1)).toEqual([])
  })

  onPostgres('counts are not worth a write to the log', async () => {
    const { rows } = await sql<{ kind: string }>`
      select relpersistence as kind from pg_class where relname in ('rate_limits', 'rate_limits_pkey')`.execute(
      context.database.kysely,
    )
    expect(rows).toEqual([{ kind: 'u' }, { kind: 'u' }])
  })

  onPostgres('what cannot be counted is not let through', async () => {
    const away = await openDatabase({ databaseUrl: 'postgres://nobody@127.0.0.1:1/none', dataDir: '', log })
    const { consume } = createRateLimiter(away, systemClock)
    await expect(consume(bucketOf('away', { seconds: 60, maximum: 9 }))).rejects.toThrow('ECONNREFUSED')
    await away.close()
  })
})
