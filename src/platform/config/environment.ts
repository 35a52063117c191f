import { isIP } from 'node:net'
import { z } from 'zod'
import { checkSettings } from './check-settings.ts'
import { ConfigError } from './config-error.ts'
import { shownValue } from './shown-value.ts'
import { weakness } from './weak-secret.ts'

/** The environment, parsed once (design §5). Every default stands beside its variable. */

const origin = z.string().transform((text, context) => {
  const url = URL.parse(text)
  const usable =
    url !== null && /^https?:$/.test(url.protocol) && `${url.username}${url.password}${url.search}${url.hash}` === ''
  if (usable && url.pathname === '/') return url.origin
  context.addIssue({ code: 'custom', message: 'must be an origin such as https://id.example.com, without a path' })
  return z.NEVER
})

const port = z
  .string()
  .regex(/^\d{1,5}$/, 'must be a port number from 0 to 65535')
  .transform(Number)
  .refine((value) => value <= 65_535, 'must be a port number from 0 to 65535')

const makeOne = 'make one with: openssl rand -base64 32'

const secret = z
  .string()
  .min(32, { error: `must be at least 32 characters; ${makeOne}`, abort: true })
  .superRefine((text, context) => {
    const why = weakness(text)
    if (why !== undefined) context.addIssue({ code: 'custom', message: `${why}; ${makeOne}` })
  })

const proxy = (text: string): boolean => {
  const [address = '', bits, ...rest] = text.split('/')
  const version = isIP(address)
  if (version === 0 || rest.length > 0) return false
  return (
    bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) >= 1 && Number(bits) <= (version === 4 ? 32 : 128))
  )
}

const hashMemoryRange = 'must be a number of KiB from 19456 (the floor for argon2id) to 1048576 (1 GiB)'

const environmentSchema = z.object({
  PORT: port.default(3000),
  HOST: z
    .string()
    .regex(/^[\w.:-]+$/, 'must be a host name or an IP address')
    .default('127.0.0.1'),
  PUBLIC_URL: origin.optional(),
  DATABASE_URL: z
    .string()
    .regex(/^postgres(ql)?:\/\//, 'must begin with postgres:// or postgresql://')
    .refine((text) => URL.canParse(text), 'must be a URL such as postgres://user:password@host:5432/latchkey')
    .optional(),
  DATA_DIR: z.string().min(1).default('./data'),
  LATCHKEY_CONFIG: z.string().min(1).optional(),
  LATCHKEY_SECRET: secret.optional(),
  SMTP_URL: z
    .string()
    .regex(/^smtps?:\/\//, 'must begin with smtp:// or smtps://')
    .refine((text) => URL.canParse(text), 'must be a URL such as smtp://user:password@host:587')
    .optional(),
  MAIL_FROM: z
    .string()
    .regex(/^[^\s@<>"]+@[^\s@<>"]+$/, 'must be an address such as no-reply@example.com')
    .optional(),
  SMS_URL: z
    .string()
    .regex(/^(twilio|sns|https?):\/\//, 'must begin with twilio://, sns:// or https://')
    .refine((text) => URL.canParse(text), 'must be a URL such as https://example.com/sms')
    .optional(),
  SMS_WEBHOOK_SECRET: z
    .string()
    .regex(/^whsec_[A-Za-z\d+/]{32,}={0,2}$/, 'must be "whsec_" and at least 24 bytes in Base64')
    .optional(),
  BREACHED_PASSWORDS: z
    .string()
    .regex(/^(https:\/\/\S+|(?!https?:)[^:]+)$/, 'must be a file, or begin with https://')
    .optional(),
  TRUSTED_PROXIES: z
    .string()
    .transform((text) =>
      text
        .split(',')
        .map((part) => part.trim())
        .filter((part) => part !== ''),
    )
    .refine((parts) => parts.every(proxy), 'must be IP addresses or CIDR ranges, separated by commas')
    .default([]),
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
  LATCHKEY_REGION: z
    .string()
    .regex(/^[a-z]{2}(-[a-z]+)+-\d$/, 'must look like us-east-1')
    .default('us-east-1'),
  LATCHKEY_DEV: z.enum(['0', '1'], 'must be 1 or 0').optional(),
  LATCHKEY_HASH_MEMORY_KIB: z
    .string()
    .regex(/^\d{1,7}$/, hashMemoryRange)
    .transform(Number)
    .refine((value) => value >= 19_456 && value <= 1_048_576, hashMemoryRange)
    .optional(),
  LATCHKEY_RATE_LIMITS: z.enum(['on', 'off'], 'must be on or off').default('on'),
  NODE_ENV: z.string().optional(),
})

export interface Environment {
  port: number
  host: string
  /** Absent: `http://localhost:<port that was bound>`. */
  publicUrl?: string
  /** Absent: the embedded database in `dataDir`. */
  databaseUrl?: string
  dataDir: string
  /** Named in LATCHKEY_CONFIG; absent: `./latchkey.yaml` if it is there. */
  configFile?: string
  /** Absent on the embedded database only: made once in `dataDir`. */
  secret?: string
  smtpUrl?: string
  mailFrom?: string
  smsUrl?: string
  smsWebhookSecret?: string
  /** A file of hashes, or the URL of a range service. */
  breachedPasswords?: string
  trustedProxies: readonly string[]
  logLevel: string
  region: string
  /** `/dev` and `/demo` exist: never when NODE_ENV is production. */
  development: boolean
  production: boolean
  hashMemoryKiB?: number
  /** Off for load tests alone. */
  rateLimits: boolean
}

/** @throws ConfigError naming every bad variable, its value (secrets aside) and the mend */
export function readEnvironment(env: Readonly<Record<string, string | undefined>>): Environment {
  // An empty variable (KEY= in a file) means the same as an absent one.
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''))
  const checked = checkSettings(environmentSchema, given)
  const problems = checked.ok
    ? []
    : checked.problems.map(({ path, message }) => describe(String(path[0]), given, message))
  const has = (name: string): boolean => given[name] !== undefined
  if (has('DATABASE_URL') && !has('LATCHKEY_SECRET')) {
    problems.push(`LATCHKEY_SECRET is missing: with DATABASE_URL set it must be given; ${makeOne}`)
  }
  if (!checked.ok || problems.length > 0) throw new ConfigError(problems)
  const value = checked.settings
  const production = value.NODE_ENV === 'production'
  return Object.freeze({
    port: value.PORT,
    host: value.HOST,
    ...optional('publicUrl', value.PUBLIC_URL),
    ...optional('databaseUrl', value.DATABASE_URL),
    dataDir: value.DATA_DIR,
    ...optional('configFile', value.LATCHKEY_CONFIG),
    ...optional('secret', value.LATCHKEY_SECRET),
    ...optional('smtpUrl', value.SMTP_URL),
    ...optional('mailFrom', value.MAIL_FROM),
    ...optional('smsUrl', value.SMS_URL),
    ...optional('smsWebhookSecret', value.SMS_WEBHOOK_SECRET),
    ...optional('breachedPasswords', value.BREACHED_PASSWORDS),
    trustedProxies: value.TRUSTED_PROXIES,
    logLevel: value.LOG_LEVEL,
    region: value.LATCHKEY_REGION,
    development:
      !production && value.LATCHKEY_DEV !== '0' && (value.LATCHKEY_DEV === '1' || value.DATABASE_URL === undefined),
    production,
    ...optional('hashMemoryKiB', value.LATCHKEY_HASH_MEMORY_KIB),
    rateLimits: value.LATCHKEY_RATE_LIMITS === 'on',
  })
}

/** Values that may hold a password are not repeated. */
const confidential = new Set(['DATABASE_URL', 'LATCHKEY_SECRET', 'SMTP_URL', 'SMS_URL', 'SMS_WEBHOOK_SECRET'])

function describe(name: string, env: Readonly<Record<string, string | undefined>>, message: string): string {
  const value = confidential.has(name) ? '' : ` is ${shownValue(env[name])}, but`
  return `${name}${value} ${message}`
}

const optional = <Name extends string, Value>(name: Name, value: Value | undefined): Partial<Record<Name, Value>> =>
  value === undefined ? {} : ({ [name]: value } as Record<Name, Value>)
