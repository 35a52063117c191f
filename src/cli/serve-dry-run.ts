import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { nothingStored } from '../app/administration/preview-store.ts'
import { previewConfiguration } from '../app/administration/preview-configuration.ts'
import type { ConfigurationPreview, ConfigurationSource } from '../app/administration/preview-configuration.ts'
import { readConfigurationFile } from '../app/configuration-file.ts'
import { resolveSecret } from '../app/secret.ts'
import { migrationState, NewerDatabaseError } from '../persistence/migrate.ts'
import { createStore } from '../persistence/store.ts'
import { systemClock } from '../platform/clock.ts'
import { readEnvironment } from '../platform/config/environment.ts'
import type { Environment } from '../platform/config/environment.ts'
import { systemRandom } from '../platform/random.ts'
import { createSealedBox } from '../security/sealed-box.ts'
import type { Cli } from './cli.ts'
import { createCommandLog } from './command-log.ts'
import { onDatabase } from './on-database.ts'
import { openUnlessNew } from './open-unless-new.ts'
import { publicUrlOf } from './run-locally.ts'

interface DryRun extends Partial<ConfigurationPreview> {
  /** What the start would apply first. While the schema is older, the settings in it are not read. */
  PendingMigrations: readonly string[]
}

/** `latchkey serve --dry-run`: what a start would change; changes nothing, and makes neither folder nor secret. */
export async function serveDryRun(cli: Cli, env: NodeJS.ProcessEnv): Promise<void> {
  const environment = readEnvironment(env)
  const source = await readSource(environment, env)
  const options = { publicUrl: publicUrlOf(environment), region: environment.region }
  const outcome = await onDatabase(environment, {
    throughServer: async (run): Promise<DryRun> => ({
      PendingMigrations: [],
      ...(await run('configuration.preview', { source, ...options })),
    }),
    locally: () => previewLocally(environment, source, options),
  })
  cli.answer(outcome, describe)
}

/** The file as it is, with the variables that it names: checked here, and again where it is compared. */
async function readSource(environment: Environment, env: NodeJS.ProcessEnv): Promise<ConfigurationSource> {
  if ((await readConfigurationFile(environment, env)) === undefined) return { builtIn: environment.development }
  const path = resolve(environment.configFile ?? './latchkey.yaml')
  const text = await readFile(path, 'utf8')
  const named = [...text.matchAll(/\$\{(\w+)\}/g)].map((match) => match[1] ?? '')
  return { path, text, variables: Object.fromEntries(named.map((name) => [name, env[name] ?? ''])) }
}

async function previewLocally(
  environment: Environment,
  source: ConfigurationSource,
  options: { publicUrl: string; region: string },
): Promise<DryRun> {
  const database = await openUnlessNew(environment, createCommandLog(environment))
  try {
    const { applied, pending, unknown } = await migrationState(database)
    if (unknown.length > 0) throw new NewerDatabaseError(unknown)
    if (applied.length > 0 && pending.length > 0) return { PendingMigrations: pending }
    const random = systemRandom
    // Without anything sealed to be opened, any secret will do, and none is to be made.
    const secret = applied.length === 0 ? random.handle() : await resolveSecret(environment, random)
    const services = { sealedBox: createSealedBox(secret, random), clock: systemClock, random }
    const reads = applied.length === 0 ? nothingStored : createStore(database)
    return { PendingMigrations: pending, ...(await previewConfiguration(reads, services, source, options)) }
  } finally {
    await database.close()
  }
}

function describe({ PendingMigrations: pending, Differences: differences, Warnings: warnings = [] }: DryRun): string {
  const migrations = pending.map((name) => `migrate ${name}`)
  if (differences === undefined) {
    return [...migrations, 'What the configuration changes can be told once the database is up to date.'].join('\n')
  }
  const changes = differences.flatMap(({ Action, What, Members }) => [
    `${Action} ${What}`,
    ...Members.map((member) => `  ${member.Name}: ${[member.From, member.To].map(shown).filter(Boolean).join(' -> ')}`),
  ])
  const lines = [...warnings.map((warning) => `warning: ${warning}`), ...migrations, ...changes]
  return lines.length === 0 ? 'Nothing would change.' : lines.join('\n')
}

const shown = (value: unknown): string =>
  value === undefined ? '' : typeof value === 'string' ? value : JSON.stringify(value)
