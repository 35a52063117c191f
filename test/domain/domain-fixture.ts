import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, inject } from 'vitest'
import { openServices } from '../../src/app/open-services.ts'
import type { OpenServices } from '../../src/app/open-services.ts'
import type { AppClient } from '../../src/domain/app-clients/app-client.ts'
import { appClientFrom } from '../../src/domain/app-clients/app-client-settings.ts'
import { outboxPurpose } from '../../src/domain/messages/enqueue-message.ts'
import type { OutgoingMessage } from '../../src/domain/messages/message.ts'
import type { DomainServices } from '../../src/domain/ports/services.ts'
import { forgotPassword } from '../../src/domain/recovery/forgot-password.ts'
import type { CodeUnderWay, ForgotPasswordRequest } from '../../src/domain/recovery/forgot-password.ts'
import type { UserPoolRecord } from '../../src/domain/ports/store.ts'
import type { UserPool } from '../../src/domain/user-pools/user-pool.ts'
import { userPoolFrom } from '../../src/domain/user-pools/user-pool-settings.ts'
import { addSeconds } from '../../src/platform/clock.ts'
import type { Clock } from '../../src/platform/clock.ts'
import type { Environment } from '../../src/platform/config/environment.ts'
import { createLog } from '../../src/platform/log.ts'
import type { PasswordHasher } from '../../src/security/password-hash.ts'
import { createDatabase } from '../support/postgres.ts'

/* The domain on a database of its own, without a server: time stands still until told, and hashing is free. */

export const password = 'Analytical-1843'

/** A clock that moves when it is told to. */
export interface StillClock extends Clock {
  pass(seconds: number): void
}

/** Costs nothing and counts, so that a test can compare the work done for known and unknown users. */
export interface CountingHasher extends PasswordHasher {
  calls: { hash: number; verify: number }
}

export interface DomainTest {
  services: DomainServices
  clock: StillClock
  hasher: CountingHasher
  /** Messages queued since the last call, oldest first. */
  newMessages(): Promise<readonly OutgoingMessage[]>
  /** A stored user pool with these settings, in Cognito's member names. */
  makePool(settings?: Record<string, unknown>): Promise<UserPool>
}

/** One suite for both databases. */
export function onEachDatabase(define: (test: DomainTest) => void): void {
  describe.each(['postgres', 'embedded'] as const)('on %s', (kind) => {
    const test = {} as DomainTest
    let close: () => Promise<void>
    beforeAll(async () => {
      const opened = await open(kind, stillClock())
      close = opened.close
      Object.assign(test, opened.test)
    })
    afterAll(() => close())
    define(test)
  })
}

const log = createLog({ level: 'silent', pretty: false })

const environment: Environment = {
  port: 0,
  host: '127.0.0.1',
  dataDir: 'memory://',
  secret: 'Zq8Lk2Vx5Rw7Ty1Ub4Np9Mc6Hd3Fs0Ga',
  trustedProxies: [],
  logLevel: 'silent',
  region: 'eu-west-1',
  development: false,
  production: false,
  rateLimits: false,
}

/** Services on a migrated, empty PostgreSQL database. */
export async function openOnPostgres(clock: Clock): Promise<OpenServices> {
  const { url, drop } = await createDatabase(inject('postgresUrl'), { template: inject('postgresTemplate') })
  const opened = await openServices({ environment: { ...environment, databaseUrl: url }, log, clock })
  return {
    ...opened,
    async close() {
      await opened.close()
      await drop()
    },
  }
}

async function openEmbedded(clock: Clock): Promise<OpenServices> {
  const loadDataDir = new Blob([await readFile(inject('embeddedDump'))])
  return openServices({ environment, log, clock, loadDataDir })
}

async function open(
  kind: 'postgres' | 'embedded',
  clock: StillClock,
): Promise<{ test: DomainTest; close(): Promise<void> }> {
  const opened = kind === 'postgres' ? await openOnPostgres(clock) : await openEmbedded(clock)
  const hasher = countingHasher()
  const services = { ...opened.domain, passwordHasher: hasher }
  /** Those that reach somebody. */
  const newMessages = async () => {
    const entries = await services.store.outbox.take({ limit: 1000, leaseSeconds: 1e9, at: clock.now() })
    const messages = entries.map(
      ({ sealedMessage }) => JSON.parse(services.sealedBox.open(sealedMessage, outboxPurpose)) as OutgoingMessage,
    )
    return messages.filter(({ forNobody }) => forNobody !== true)
  }
  const makePool = async (settings: Record<string, unknown> = {}) => {
    const record = poolRecord(settings)
    await services.store.settings.saveUserPool(record, clock.now())
    return userPoolFrom({ ...record, version: 1 })
  }
  return { test: { services, clock, hasher, newMessages, makePool }, close: () => opened.close() }
}

export function stillClock(start = '2026-03-01T12:00:00.000Z'): StillClock {
  let at = new Date(start)
  return {
    now: () => at,
    pass(seconds) {
      at = addSeconds(at, seconds)
    },
  }
}

function countingHasher(): CountingHasher {
  const calls = { hash: 0, verify: 0 }
  return {
    calls,
    async hash(text) {
      calls.hash += 1
      return `free$${text}`
    },
    async verify(text, phc) {
      calls.verify += 1
      return phc === `free$${text}`
    },
    async verifyEither(text, phc, decoyPhc) {
      calls.verify += 1
      return { account: phc === `free$${text}`, decoy: decoyPhc === `free$${text}` }
    },
    importedForm: () => undefined,
    sharesSalt: () => true,
  }
}

function poolRecord(settings: Record<string, unknown>): Omit<UserPoolRecord, 'version'> {
  const id = `eu-west-1_${randomUUID().replaceAll('-', '')}`
  return {
    id,
    name: id,
    isDefault: false,
    issuer: `https://id.example.com/${id}`,
    issuerFollowsPublicUrl: false,
    domains: [],
    settings,
  }
}

/** A user pool with these settings that is stored nowhere. */
export const poolWith = (settings: Record<string, unknown> = {}): UserPool =>
  userPoolFrom({ ...poolRecord(settings), version: 1 })

/** An app client with these settings that is stored nowhere. */
export const clientOf = (userPool: UserPool, settings: Record<string, unknown> = {}, secret?: string): AppClient =>
  appClientFrom(
    {
      userPoolId: userPool.id,
      id: 'web',
      name: 'Web',
      settings: { CallbackURLs: ['https://app.example.com/callback'], ...settings },
    },
    secret === undefined ? [] : [secret],
  )

/** Somebody asks for a reset code; there are no limits here. */
export async function askForReset(
  services: DomainServices,
  request: Omit<ForgotPasswordRequest, 'clientId' | 'languages'>,
): Promise<CodeUnderWay> {
  const outcome = await forgotPassword(services, { clientId: 'web', languages: ['en'], ...request })
  if (outcome.kind !== 'sent') throw new Error(outcome.kind)
  return outcome
}

/** A six-digit code that is not this one. */
export const wrongCode = (code: string | undefined): string => (code === '000000' ? '111111' : '000000')
