import { z } from 'zod'
import { noBreachedPasswords } from '../../domain/ports/breached-passwords.ts'
import { ProviderFailure } from '../../domain/ports/identity-provider-connector.ts'
import { noRateLimits } from '../../domain/ports/rate-limiter.ts'
import type { DomainServices } from '../../domain/ports/services.ts'
import { applyConfiguration } from '../../domain/user-pools/apply-configuration.ts'
import type { UserPoolConfiguration } from '../../domain/user-pools/configuration.ts'
import { parseConfiguration } from '../configuration-file.ts'
import { defaultConfiguration } from '../default-configuration.ts'
import { defineCommand } from './administration.ts'
import { CommandFailure } from './command-failure.ts'
import { differenceOf } from './configuration-difference.ts'
import type { ConfigurationDifference } from './configuration-difference.ts'
import { createPreviewStore } from './preview-store.ts'
import type { PreviewReads } from './preview-store.ts'

/** The configuration as its reader has it: where it is parsed again, it is checked again. */
export const configurationSource = z.union([
  z.strictObject({
    path: z.string().max(4096),
    text: z.string().max(900_000),
    /** What `${NAME}` stands for. */
    variables: z.record(z.string(), z.string()),
  }),
  /** No file: the user pool of a first run. */
  z.strictObject({ builtIn: z.boolean() }),
])

export type ConfigurationSource = z.output<typeof configurationSource>

export interface ConfigurationPreview {
  Differences: ConfigurationDifference[]
  Warnings: readonly string[]
}

export interface PreviewOptions {
  publicUrl: string
  region: string
}

/** What applying the configuration would change; changes nothing itself. */
export const previewConfigurationCommand = defineCommand(
  z.strictObject({ source: configurationSource, publicUrl: z.url(), region: z.string() }),
  ({ domain }, { source, ...options }) => previewConfiguration(domain.store, domain, source, options),
)

/** @throws ConfigError, CommandFailure failed */
export async function previewConfiguration(
  reads: PreviewReads,
  services: Pick<DomainServices, 'sealedBox' | 'clock' | 'random'>,
  source: ConfigurationSource,
  options: PreviewOptions,
): Promise<ConfigurationPreview> {
  const userPools = read(source, options.publicUrl)
  const { store, writes } = createPreviewStore(reads)
  const domain: DomainServices = {
    ...services,
    store,
    passwordHasher: {
      hash: async () => '',
      verify: async () => false,
      verifyEither: async () => ({ account: false, decoy: false }),
      importedForm: () => undefined,
      sharesSalt: () => true,
    },
    breachedPasswords: noBreachedPasswords,
    clientSecretGuard: { check: async () => ({ kind: 'wrong' }) },
    rateLimiter: noRateLimits,
    caller: {},
    repeats: { isRepeat: () => true },
    // What is only tried out tells nobody.
    triggers: {
      run: async () => ({ kind: 'failed', problem: 'tried out only', again: false }),
      encrypt: async () => '',
    },
    connector: { begin: noProvider, finish: noProvider },
    messagesQueued: () => undefined,
  }
  // Not its own dry run: the preview store sees each write, and so the members that it changes.
  const { problems, warnings } = await applyConfiguration(domain, userPools, { ...options, dryRun: false })
  if (problems.length > 0)
    throw new CommandFailure('failed', `The configuration cannot be applied: ${problems.join('; ')}.`)
  const stored = await reads.settings.userPools()
  const made = writes.flatMap(({ kind, id, after }) =>
    kind === 'user pool' && 'name' in after ? [{ id, name: String(after.name) }] : [],
  )
  const poolNames = new Map([...stored, ...made].map(({ id, name }) => [id, name]))
  return { Differences: differenceOf(writes, poolNames, madeUpIds(userPools, writes)), Warnings: warnings }
}

function read(source: ConfigurationSource, publicUrl: string): readonly UserPoolConfiguration[] {
  if ('builtIn' in source) return source.builtIn ? [defaultConfiguration(publicUrl)] : []
  return parseConfiguration(source.text, source.path, source.variables).userPools
}

function madeUpIds(
  userPools: readonly UserPoolConfiguration[],
  writes: ReturnType<typeof createPreviewStore>['writes'],
): ReadonlySet<string> {
  const given = new Set(userPools.flatMap(({ id, clients }) => [id, ...clients.map((appClient) => appClient.id)]))
  const made = writes.filter(
    ({ kind, before }) => before === undefined && (kind === 'user pool' || kind === 'app client'),
  )
  return new Set(made.map(({ id }) => id).filter((id) => !given.has(id)))
}

/** What is only tried out reaches nobody. */
const noProvider = (): Promise<never> => Promise.reject(new ProviderFailure('away', 'tried out only'))
