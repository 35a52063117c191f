import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { parse, YAMLParseError } from 'yaml'
import { z } from 'zod'
import { userPoolConfigurationSchema } from '../domain/user-pools/configuration.ts'
import type { UserPoolConfiguration } from '../domain/user-pools/configuration.ts'
import { ConfigError } from '../platform/config/config-error.ts'
import type { Environment } from '../platform/config/environment.ts'

/** `latchkey.yaml` (design §5): parsed once, every problem told at once with its place, its value and the mend. */
export interface ConfigurationFile {
  userPools: readonly UserPoolConfiguration[]
}

const fileSchema = z
  .strictObject({
    AccessKeys: z.array(z.unknown()).default([]),
    UserPools: z.array(userPoolConfigurationSchema).default([]),
    IdentityPools: z.array(z.unknown()).default([]),
  })
  .superRefine((file, context) => {
    const pools = file.UserPools
    if (pools.filter((pool) => pool.isDefault === true).length > 1) {
      context.addIssue({
        code: 'custom',
        path: ['UserPools'],
        message: 'more than one user pool has Default: true; leave it on one',
      })
    }
    for (const [label, values] of [
      ['Id', pools.flatMap((pool) => pool.id ?? [])],
      ['PoolName', pools.map((pool) => pool.name)],
      ['Domains', pools.flatMap((pool) => pool.domains ?? [])],
    ] as const) {
      const twice = values.find((value, index) => values.indexOf(value) !== index)
      if (twice !== undefined) {
        context.addIssue({
          code: 'custom',
          path: ['UserPools'],
          message: `${label} ${JSON.stringify(twice)} stands at two user pools`,
        })
      }
    }
    for (const name of ['AccessKeys', 'IdentityPools'] as const) {
      if (file[name].length > 0)
        context.addIssue({ code: 'custom', path: [name], message: 'is not supported by this release' })
    }
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
  const problems: string[] = []
  const raw = fillIn(readYaml(text, path), env, [], problems)
  const parsed = fileSchema.safeParse(raw ?? {})
  if (!parsed.success) problems.push(...parsed.error.issues.map((issue) => describe(issue, raw)))
  if (problems.length > 0 || !parsed.success) throw new ConfigError(problems.map((problem) => `${path}: ${problem}`))
  return { userPools: parsed.data.UserPools }
}

function readYaml(text: string, path: string): unknown {
  try {
    return parse(text)
  } catch (error) {
    if (error instanceof YAMLParseError) throw new ConfigError([`${path}: not valid YAML: ${error.message}`])
    throw error
  }
}

function fillIn(
  value: unknown,
  env: Readonly<Record<string, string | undefined>>,
  path: PropertyKey[],
  problems: string[],
): unknown {
  if (typeof value === 'string') {
    return value.replaceAll(/\$\{(\w+)\}/g, (_whole, name: string) => {
      const filled = env[name]
      if (filled === undefined || filled === '')
        problems.push(`${place(path)} names \${${name}}, which is not set in the environment`)
      return filled ?? ''
    })
  }
  if (Array.isArray(value)) return value.map((item: unknown, index) => fillIn(item, env, [...path, index], problems))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, fillIn(item, env, [...path, key], problems)]),
  )
}

function describe(issue: z.core.$ZodIssue, raw: unknown): string {
  const at = issue.path.reduce<unknown>((value, key) => (value as Record<PropertyKey, unknown> | undefined)?.[key], raw)
  const name = String(issue.path.at(-1) ?? '')
  const shown =
    typeof at === 'object' || at === undefined || /secret|password/i.test(name) ? '' : ` is ${JSON.stringify(at)}:`
  return `${place(issue.path)}${shown} ${issue.message}`
}

/** `UserPools[0].Clients[1].CallbackURLs[0]` */
const place = (path: readonly PropertyKey[]): string =>
  path
    .map((key, index) => (typeof key === 'number' ? `[${key}]` : `${index === 0 ? '' : '.'}${String(key)}`))
    .join('') || 'the file'
