import { z } from 'zod'
import { appClientProblems, appClientSettingsSchema } from '../app-clients/app-client-settings.ts'
import { maximumClientSecrets } from '../app-clients/client-secrets.ts'
import {
  maximumResourceServers,
  resourceServerOf,
  resourceServerSchema,
} from '../app-clients/resource-server-settings.ts'
import { parseImportedHash } from '../../security/imported-hash.ts'
import { checkSettings } from '../../platform/config/check-settings.ts'
import type { CheckedSettings, SettingProblem } from '../../platform/config/check-settings.ts'
import { isUserPoolId } from '../../platform/ids.ts'
import { domainOrigin } from './domain-origin.ts'
import { eventWebhooksSchema } from './event-webhook-settings.ts'
import { identityProvidersSchema } from './identity-provider-settings.ts'
import { triggersSchema } from './trigger-settings.ts'
import { inertUserPoolMembers, userPoolSettingsSchema } from './user-pool-settings.ts'

/** The `UserPools` part of `latchkey.yaml` (design §5). Settings are kept as written; only their form is checked here. */

const origin = z.string().transform((text, context) => {
  const parsed = domainOrigin(text)
  if (parsed !== undefined) return parsed
  context.addIssue({
    code: 'custom',
    message: 'must be a host such as login.example.com, or https://host',
    input: text,
  })
  return z.NEVER
})

const issuer = z
  .url({ protocol: /^https?$/, error: 'must be a URL such as https://id.example.com' })
  .refine(
    (text) => !text.endsWith('/') && !/[?#@]/.test(text),
    'must have no trailing slash, query, fragment or user name',
  )

/** Members that Cognito describes with an app client and that say nothing about how it works. */
const describedClientMembers = {
  UserPoolId: z.unknown().optional(),
  CreationDate: z.unknown().optional(),
  LastModifiedDate: z.unknown().optional(),
}

const clientSecret = z.string().regex(/^[\x21-\x7e]{16,128}$/, 'must be 16 to 128 printable characters without blanks')

const appClientMembers = appClientSettingsSchema.extend({
  ClientId: z
    .string()
    .regex(/^[\w+-]{1,128}$/, 'must be 1 to 128 letters, digits, "_", "+" or "-"')
    .optional(),
  ClientName: z.string().min(1).max(128).optional(),
  ClientSecret: clientSecret.optional(),
  ClientSecrets: z.array(clientSecret).min(1).max(maximumClientSecrets).optional(),
  ...describedClientMembers,
})

const appClient = z.unknown().transform((written, context) => {
  const checked = checkSettings(appClientMembers, written)
  const problems = [...(checked.ok ? [] : checked.problems), ...problemsTogether(written, checked)]
  for (const problem of problems) report(context, problem)
  if (!checked.ok || problems.length > 0) return z.NEVER
  const { ClientId, ClientName, ClientSecret, ClientSecrets } = checked.settings
  const apart = new Set([
    'ClientId',
    'ClientName',
    'ClientSecret',
    'ClientSecrets',
    ...Object.keys(describedClientMembers),
  ])
  return {
    id: ClientId,
    name: ClientName ?? ClientId ?? '',
    /** Undefined: the file says nothing of them. */
    secrets: secretsOf(ClientSecret, ClientSecrets),
    settings: without(written as Settings, apart),
  }
})

/** What is wrong with a client's members taken together: of those that are right by themselves. */
function problemsTogether(written: unknown, checked: CheckedSettings<unknown>): SettingProblem[] {
  if (!isSettings(written)) return []
  const wrong = new Set(checked.ok ? [] : checked.problems.map(({ path }) => String(path[0])))
  const isNamed = written['ClientId'] !== undefined || written['ClientName'] !== undefined
  const nameless = isNamed ? [] : [{ path: [], message: 'needs a ClientId or a ClientName' }]
  const sound = checkSettings(appClientMembers, without(written, wrong))
  if (!sound.ok) return nameless
  const { ClientId: _id, ClientName: _name, ClientSecret, ClientSecrets, ...settings } = sound.settings
  const secrets = secretsOf(ClientSecret, ClientSecrets) ?? []
  const hasSecret = (written['ClientSecret'] ?? written['ClientSecrets']) !== undefined
  const messages = [...appClientProblems(settings, hasSecret), ...secretProblems(secrets)]
  const others = messages.filter((message) => ![...wrong].some((name) => message.startsWith(name)))
  return [...nameless, ...others.map(atItsMember)]
}

const secretsOf = (one: string | undefined, more: readonly string[] | undefined): readonly string[] | undefined =>
  one === undefined ? more : [one, ...(more ?? [])]

function secretProblems(secrets: readonly string[]): string[] {
  if (new Set(secrets).size < secrets.length) return ['ClientSecrets: name each secret once, ClientSecret included']
  return secrets.length > maximumClientSecrets ? ['ClientSecrets: an app client has two secrets at most'] : []
}

/** `AccessTokenValidity must be …` is told at that member, with its value. */
function atItsMember(problem: string): SettingProblem {
  const [, name, message] = /^(\w+):? (.*)$/s.exec(problem) ?? []
  return name === undefined || message === undefined ? { path: [], message: problem } : { path: [name], message }
}

const scalar = z.union([z.string(), z.number(), z.boolean()]).transform(String)

// The order of the parameters differs from library to library.
const argon2id = /^\$argon2id\$v=19\$(?:[mtp]=\d+,){2}[mtp]=\d+\$[A-Za-z\d+/]{11,}\$[A-Za-z\d+/]{16,}$/

const seedUser = z
  .strictObject({
    Username: z.string().min(1).max(128),
    Attributes: z.record(z.string(), scalar).default({}),
    Password: z.string().min(1).max(256).optional(),
    PasswordHash: z
      .string()
      .regex(argon2id, 'must be an argon2id hash ($argon2id$v=19$m=…,t=…,p=…$…$…)')
      .refine((hash) => parseImportedHash(hash) !== undefined, 'costs more to check than a server may spend on it')
      .optional(),
    Groups: z.array(z.string()).default([]),
  })
  .refine(
    (user) => user.Password === undefined || user.PasswordHash === undefined,
    'has a Password and a PasswordHash: leave one of them out',
  )

/** Of a group: as large as the database's integers go. */
export const precedence = z.int().min(0).max(2_147_483_647)

const group = z.strictObject({
  GroupName: z
    .string()
    .regex(/^[\p{L}\p{M}\p{S}\p{N}\p{P}]+$/u, 'must be letters, digits and signs without blanks')
    .max(128),
  Description: z.string().max(2048).optional(),
  Precedence: precedence.optional(),
  RoleArn: z.string().min(20).max(2048).optional(),
})

/** Members of the file that are no settings of the pool's own row. */
const ownMembers = {
  Id: z
    .string()
    .refine(isUserPoolId, 'must look like us-east-1_example: letters, digits and dashes, "_", letters and digits')
    .optional(),
  PoolName: z.string().min(1).max(128),
  Default: z.boolean().optional(),
  Issuer: issuer.optional(),
  Domains: z.array(origin).optional(),
  Clients: z.array(appClient).default([]),
  ResourceServers: z.array(resourceServerSchema).max(maximumResourceServers).default([]),
  Groups: z.array(group).default([]),
  Users: z.array(seedUser).default([]),
  IdentityProviders: identityProvidersSchema.optional(),
  Triggers: triggersSchema.optional(),
  EventWebhooks: eventWebhooksSchema.optional(),
}

const inertMembers: object = Object.fromEntries(inertUserPoolMembers.map((name) => [name, z.unknown().optional()]))

// One object for all, so that every problem is found at once and a misspelt member is compared with every name there is.
const userPoolMembers = z.strictObject({ ...inertMembers, ...userPoolSettingsSchema.shape, ...ownMembers })

/** Members under the names that DescribeUserPool gives them. */
const describedNames = { Name: 'PoolName', SchemaAttributes: 'Schema' } as const

export const userPoolConfigurationSchema = z.unknown().transform((written, context) => {
  const members = isSettings(written) ? renameDescribed(written) : written
  const checked = checkSettings(userPoolMembers, members)
  const problems = [...(checked.ok ? [] : checked.problems), ...userPoolProblems(members)]
  for (const problem of problems) report(context, asWritten(problem, written))
  if (!checked.ok || problems.length > 0) return z.NEVER
  const own = checked.settings
  return {
    id: own.Id,
    name: own.PoolName,
    isDefault: own.Default,
    issuer: own.Issuer,
    domains: own.Domains,
    settings: without(members as Settings, new Set(Object.keys(ownMembers))),
    clients: own.Clients,
    resourceServers: own.ResourceServers.map(resourceServerOf),
    groups: own.Groups,
    users: own.Users,
    /** Undefined: the file says nothing of them. */
    triggers: own.Triggers,
    eventWebhooks: own.EventWebhooks,
    identityProviders: own.IdentityProviders,
  }
})

export type UserPoolConfiguration = z.output<typeof userPoolConfigurationSchema>

type Settings = Readonly<Record<string, unknown>>

const isSettings = (value: unknown): value is Settings =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const without = (settings: Settings, names: ReadonlySet<string>): Settings =>
  Object.fromEntries(Object.entries(settings).filter(([name]) => !names.has(name)))

function renameDescribed(written: Settings): Settings {
  const renamed = Object.entries(describedNames).filter(([from, to]) => from in written && !(to in written))
  const names = new Map<string, string>(renamed)
  return Object.fromEntries(Object.entries(written).map(([name, value]) => [names.get(name) ?? name, value]))
}

/** The place in the words of whoever wrote it. */
function asWritten(problem: SettingProblem, written: unknown): SettingProblem {
  const [first, ...rest] = problem.path
  const described = Object.entries(describedNames).find(([, to]) => to === first)?.[0]
  const isDescribed =
    isSettings(written) && described !== undefined && !(String(first) in written) && described in written
  return isDescribed ? { ...problem, path: [described, ...rest] } : problem
}

/** What no single member shows. */
function userPoolProblems(members: unknown): SettingProblem[] {
  if (!isSettings(members)) return []
  const problems: SettingProblem[] = []
  const isNamed = (name: string): boolean => Array.isArray(members[name]) && members[name].length > 0
  if (isNamed('UsernameAttributes') && isNamed('AliasAttributes')) {
    problems.push({
      path: ['AliasAttributes'],
      message: 'cannot stand beside UsernameAttributes: leave one of them out',
    })
  }
  // Nobody could sign in.
  if (members['MfaConfiguration'] === 'ON' && hasNoSecondFactor(members)) {
    problems.push({
      path: ['MfaConfiguration'],
      message: 'needs a factor: SoftwareTokenMfaConfiguration, EmailMfaConfiguration or SmsMfaConfiguration',
    })
  }
  return problems
}

function hasNoSecondFactor(members: Readonly<Record<string, unknown>>): boolean {
  const app = members['SoftwareTokenMfaConfiguration']
  const isOff = isSettings(app) && app['Enabled'] !== true
  return isOff && !('EmailMfaConfiguration' in members) && !('SmsMfaConfiguration' in members)
}

const report = (context: z.core.$RefinementCtx, problem: SettingProblem): void =>
  context.addIssue({ code: 'custom', path: [...problem.path], message: problem.message })
