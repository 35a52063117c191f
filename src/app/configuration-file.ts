import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { parse } from 'yaml'
import { z } from 'zod'
import { userPoolConfigurationSchema } from '../domain/user-pools/configuration.ts'
import type { UserPoolConfiguration } from '../domain/user-pools/configuration.ts'
import { duplicates } from '../domain/user-pools/configuration-duplicates.ts'
import { checkSettings, unknownSetting } from '../platform/config/check-settings.ts'
import type { SettingProblem } from '../platform/config/check-settings.ts'
import { ConfigError } from '../platform/config/config-error.ts'
import type { Environment } from '../platform/config/environment.ts'
import { shownValue } from '../platform/config/shown-value.ts'

/** `latchkey.yaml` (design §5): parsed once, every problem told at once with its place, its value and the mend. */
export interface ConfigurationFile {
  userPools: readonly UserPoolConfiguration[]
}

const notSupported = 'is not supported by this release: remove it'

const fileSchema = z.strictObject({
  AccessKeys: z.array(z.unknown()).max(0, notSupported).default([]),
  UserPools: z.array(userPoolConfigurationSchema).default([]),
  IdentityPools: z.array(z.unknown()).max(0, notSupported).default([]),
})

/** @returns undefined when no file is named and `./latchkey.yaml` does not exist. @throws ConfigError */
export async function readConfigurationFile(
  environment: Environment,
  env: Readonly<Record<string, string | undefined>>,
): Promise<ConfigurationFile | undefined> {
  const path = resolve(environment.configFile ?? './latchkey.yaml')
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if (environment.configFile === undefined && (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new ConfigError([`LATCHKEY_CONFIG names ${path}, which cannot be read: ${(error as Error).message}`])
  }
  return parseConfiguration(text, path, env)
}

/** @param env fills in `${NAME}` inside string values */
export function parseConfiguration(
  text: string,
  path: string,
  env: Readonly<Record<string, string | undefined>>,
): ConfigurationFile {
  const written = withoutEmpty(readYaml(text, path)) ?? {}
  const missing: SettingProblem[] = []
  const filled = fillIn(written, env, [], missing)
  const checked = checkSettings(fileSchema, filled)
  const found = [...(checked.ok ? [] : checked.problems), ...duplicates(filled)]
  // What a missing variable leaves behind is not worth a second line.
  const others = found.filter((problem) => !missing.some((gap) => gap.path.join('.') === problem.path.join('.')))
  const problems = [...missing, ...others].map((problem) => `${path}: ${describe(problem, written)}`)
  if (!checked.ok || problems.length > 0) throw new ConfigError(problems)
  return { userPools: checked.settings.UserPools }
}

function readYaml(text: string, path: string): unknown {
  try {
    return parse(text)
  } catch (error) {
    // The first line says what and where; the excerpt below it may show a secret.
    const [what = ''] = (error as Error).message.split('\n')
    throw new ConfigError([`${path}: not valid YAML: ${what.replace(/:$/, '')}`])
  }
}

/** A name with nothing behind it means the same as no name. */
function withoutEmpty(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item: unknown) => withoutEmpty(item))
  if (typeof value !== 'object' || value === null) return value
  const given = Object.entries(value).filter(([, item]) => item !== null)
  return Object.fromEntries(given.map(([name, item]) => [name, withoutEmpty(item)]))
}

function fillIn(
  value: unknown,
  env: Readonly<Record<string, string | undefined>>,
  path: readonly PropertyKey[],
  missing: SettingProblem[],
): unknown {
  if (typeof value === 'string') {
    return value.replaceAll(variable, (_whole, name: string) => {
      const filled = env[name] ?? ''
      if (filled === '') missing.push({ path, message: `${name} is not set in the environment` })
      return filled
    })
  }
  if (Array.isArray(value)) return value.map((item: unknown, index) => fillIn(item, env, [...path, index], missing))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, fillIn(item, env, [...path, key], missing)]),
  )
}

const variable = /\$\{(\w+)\}/g

/** @param written before variables were filled in: what they stand for may be a secret */
function describe({ path, message }: SettingProblem, written: unknown): string {
  const value = path.reduce<unknown>((at, key) => (at as Record<PropertyKey, unknown> | undefined)?.[key], written)
  const name = String(path.at(-1) ?? '')
  const isSecret = /(secret|password|passwordhash)$/i.test(name) || message.startsWith(unknownSetting)
  const shown = typeof value === 'object' || value === undefined || isSecret ? '' : ` is ${shownValue(value)}:`
  return `${place(path)}${shown} ${message}`
}

/** `UserPools[0].Clients[1].CallbackURLs[0]` */
const place = (path: readonly PropertyKey[]): string =>
  path
    .map((key, index) => (typeof key === 'number' ? `[${key}]` : `${index === 0 ? '' : '.'}${String(key)}`))
    .join('') || 'the file'
