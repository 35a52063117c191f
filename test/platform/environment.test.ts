import { describe, expect, test } from 'vitest'
import { closestName } from '../../src/platform/config/closest-name.ts'
import { ConfigError } from '../../src/platform/config/config-error.ts'
import { readEnvironment } from '../../src/platform/config/environment.ts'

const goodSecret = 'Zq8Lk2Vx5Rw7Ty1Ub4Np9Mc6Hd3Fs0Ga'

function problems(env: Record<string, string | undefined>): readonly string[] {
  try {
    readEnvironment(env)
    return []
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return error.problems
  }
}

describe('the environment', () => {
  const defaults = {
    port: 3000,
    host: '127.0.0.1',
    dataDir: './data',
    trustedProxies: [],
    logLevel: 'info',
    region: 'us-east-1',
    development: true,
    production: false,
    rateLimits: true,
  }

  test('has a default for everything', () => {
    expect(readEnvironment({})).toEqual(defaults)
  })

  test('an empty variable is an absent one; foreign ones are none of ours', () => {
    const names = ['PORT', 'HOST', 'PUBLIC_URL', 'DATABASE_URL', 'DATA_DIR', 'LATCHKEY_SECRET', 'LATCHKEY_DEV']
    expect(
      readEnvironment({ ...Object.fromEntries(names.map((name) => [name, ''])), PATH: '/bin', X: undefined }),
    ).toEqual(defaults)
  })

  test('is read once and cannot be changed', () => {
    expect(Object.isFrozen(readEnvironment({}))).toBe(true)
  })

  test('all of it', () => {
    expect(
      readEnvironment({
        PORT: '0',
        HOST: '::1',
        PUBLIC_URL: 'https://ID.example.com:443/',
        DATABASE_URL: 'postgresql://latchkey:hunter2@db:5432/latchkey?sslmode=require',
        DATA_DIR: '/var/lib/latchkey',
        LATCHKEY_CONFIG: '/etc/latchkey.yaml',
        LATCHKEY_SECRET: goodSecret,
        SMTP_URL: 'smtps://user:hunter2@mail.example.com',
        MAIL_FROM: 'no-reply@example.com',
        TRUSTED_PROXIES: ' 10.0.0.0/8, 192.0.2.1,, fd00::/8 ',
        LOG_LEVEL: 'warn',
        LATCHKEY_REGION: 'ap-southeast-2',
        LATCHKEY_HASH_MEMORY_KIB: '65536',
        LATCHKEY_RATE_LIMITS: 'off',
        NODE_ENV: 'production',
      }),
    ).toEqual({
      port: 0,
      host: '::1',
      publicUrl: 'https://id.example.com',
      databaseUrl: 'postgresql://latchkey:hunter2@db:5432/latchkey?sslmode=require',
      dataDir: '/var/lib/latchkey',
      configFile: '/etc/latchkey.yaml',
      secret: goodSecret,
      smtpUrl: 'smtps://user:hunter2@mail.example.com',
      mailFrom: 'no-reply@example.com',
      trustedProxies: ['10.0.0.0/8', '192.0.2.1', 'fd00::/8'],
      logLevel: 'warn',
      region: 'ap-southeast-2',
      development: false,
      production: true,
      rateLimits: false,
      hashMemoryKiB: 65_536,
    })
  })
})

describe('bad values', () => {
  test('are all told at once, with name, value and mend, and no secret among them', () => {
    const env = {
      PORT: '65536',
      HOST: 'a b',
      PUBLIC_URL: 'https://user:hunter2@id.example.com/path',
      DATABASE_URL: 'mysql://latchkey:hunter2@db/latchkey',
      LATCHKEY_SECRET: 'hunter2',
      SMTP_URL: 'user:hunter2@mail.example.com',
      MAIL_FROM: 'nobody',
      TRUSTED_PROXIES: '10.0.0.0/8,nonsense',
      LOG_LEVEL: 'loud',
      LATCHKEY_REGION: 'Mars',
      LATCHKEY_DEV: 'yes',
      LATCHKEY_HASH_MEMORY_KIB: '1024',
    }
    expect(problems(env)).toEqual([
      'PORT is "65536", but must be a port number from 0 to 65535',
      'HOST is "a b", but must be a host name or an IP address',
      'PUBLIC_URL is "https://…@id.example.com/path", but must be an origin such as https://id.example.com, without a path',
      'DATABASE_URL must begin with postgres:// or postgresql://',
      'LATCHKEY_SECRET must be at least 32 characters; make one with: openssl rand -base64 32',
      'SMTP_URL must begin with smtp:// or smtps://',
      'MAIL_FROM is "nobody", but must be an address such as no-reply@example.com',
      'TRUSTED_PROXIES is "10.0.0.0/8,nonsense", but must be IP addresses or CIDR ranges, separated by commas',
      'LOG_LEVEL is "loud", but must be one of "trace", "debug", "info", "warn", "error", "fatal", "silent"',
      'LATCHKEY_REGION is "Mars", but must look like us-east-1',
      'LATCHKEY_DEV is "yes", but must be 1 or 0',
      'LATCHKEY_HASH_MEMORY_KIB is "1024", but must be a number of KiB from 19456 (the floor for argon2id) to 1048576 (1 GiB)',
    ])
    const error = new ConfigError(problems(env))
    expect(error.message).toMatch(/^The configuration has 12 problems:\n {2}- PORT/)
    expect(error.message).not.toContain('hunter2')
  })

  test.each([
    ['PORT', '-1'],
    ['PORT', '3000 '],
    ['PORT', '0x10'],
    ['PUBLIC_URL', 'id.example.com'],
    ['PUBLIC_URL', 'https://id.example.com/path'],
    ['PUBLIC_URL', 'https://id.example.com/?x'],
    ['PUBLIC_URL', 'https://id.example.com/#x'],
    ['PUBLIC_URL', 'https://:pw@id.example.com'],
    ['PUBLIC_URL', 'javascript:alert(1)'],
    ['TRUSTED_PROXIES', '0.0.0.0/0'],
    ['TRUSTED_PROXIES', '::/0'],
    ['TRUSTED_PROXIES', '10.0.0.0/33'],
    ['TRUSTED_PROXIES', '10.0.0.0/8/8'],
    ['TRUSTED_PROXIES', '10.0.0.0/'],
    ['TRUSTED_PROXIES', 'proxy.example.com'],
    ['LATCHKEY_REGION', 'us-east-1_'],
    ['LATCHKEY_HASH_MEMORY_KIB', '19455'],
    ['LATCHKEY_RATE_LIMITS', '0'],
    ['LATCHKEY_HASH_MEMORY_KIB', '9999999'],
    ['MAIL_FROM', 'a@b@c'],
  ])('%s=%s', (name, value) => {
    expect(problems({ [name]: value })).toHaveLength(1)
  })
})

describe('LATCHKEY_SECRET (threat row F4)', () => {
  test.each([
    ['', /missing: with DATABASE_URL set it must be given/],
    ['x'.repeat(31), /at least 32 characters/],
    ['x'.repeat(64), /too easy to guess/],
    ['0123456789'.repeat(4).slice(0, 9).repeat(5), /too easy to guess/],
    ['change-me-change-me-1234567890-abcdef', /placeholder/],
    ['this-is-an-EXAMPLE-value-0123456789', /placeholder/],
    ['my-secret-my-secret-my-0123456789', /placeholder/],
    ['Password0123456789Password0123456789', /placeholder/],
  ])('%j is refused', (secret, problem) => {
    const found = problems({ DATABASE_URL: 'postgres://db/latchkey', LATCHKEY_SECRET: secret })
    expect(found).toHaveLength(1)
    expect(found[0]).toMatch(problem)
    expect(found[0]).toContain('openssl rand -base64 32')
    if (secret !== '') expect(found[0]).not.toContain(secret)
  })

  test('may be absent only with the embedded database', () => {
    expect(problems({})).toEqual([])
    expect(problems({ DATABASE_URL: 'postgres://db/latchkey', LATCHKEY_SECRET: goodSecret })).toEqual([])
  })
})

describe('development', () => {
  const database = { DATABASE_URL: 'postgres://db/latchkey', LATCHKEY_SECRET: goodSecret }
  test.each([
    [{}, true],
    [{ LATCHKEY_DEV: '0' }, false],
    [database, false],
    [{ ...database, LATCHKEY_DEV: '1' }, true],
    [{ NODE_ENV: 'production' }, false],
    [{ NODE_ENV: 'production', LATCHKEY_DEV: '1' }, false],
    [{ ...database, NODE_ENV: 'production', LATCHKEY_DEV: '1' }, false],
    [{ NODE_ENV: 'development' }, true],
  ])('%j: %s', (env, development) => {
    expect(readEnvironment(env).development).toBe(development)
  })
})

describe('the name that was meant', () => {
  const known = ['UserPools', 'IdentityPools', 'Default', 'Domains', 'Id']
  test.each([
    ['Userpools', 'UserPools'],
    ['UserPool', 'UserPools'],
    ['Defualt', 'Default'],
    ['DEFAULT', 'Default'],
    ['Domian', 'Domains'],
    ['ID', 'Id'],
    ['Foo', undefined],
    ['Xy', undefined],
    ['', undefined],
    ['x'.repeat(10_000), undefined],
  ])('%s: %s', (name, meant) => expect(closestName(name, known)).toBe(meant))
})
