import { z } from 'zod'
import { appClientProblems, appClientSettingsSchema } from '../app-clients/app-client-settings.ts'
import { isUserPoolId } from '../../platform/ids.ts'
import { inertUserPoolMembers, userPoolSettingsSchema } from './user-pool-settings.ts'

/** The `UserPools` part of `latchkey.yaml` (design §5). Settings are kept as written; only their form is checked here. */

const origin = z.string().transform((text, context) => {
  const url = URL.parse(/^https?:\/\//.test(text) ? text : `https://${text}`)
  if (url !== null && url.pathname === '/' && url.search === '' && url.username === '' && url.hash === '')
    return url.origin
  context.addIssue({
    code: 'custom',
    message: 'must be a host such as login.example.com, or https://host',
    input: text,
  })
  return z.NEVER
})

const issuer = z
  .url({ protocol: /^https?$/, error: 'must be a URL such as https://id.example.com' })
  .refine((text) => !text.endsWith('/') && !/[?#]/.test(text), 'must have no trailing slash, query or fragment')

const appClient = z
  .looseObject({
    ClientId: z
      .string()
      .regex(/^[\w+-]{1,128}$/, 'must be 1 to 128 letters, digits, "_", "+" or "-"')
      .optional(),
    ClientName: z.string().min(1).max(128).optional(),
    ClientSecret: z
      .string()
      .regex(/^[\x21-\x7e]{16,128}$/, 'must be 16 to 128 printable characters without blanks')
      .optional(),
  })
  .transform((client, context) => {
    const { ClientId, ClientName, ClientSecret, ...settings } = client
    if (ClientId === undefined && ClientName === undefined) {
      context.addIssue({ code: 'custom', message: 'needs a ClientId or a ClientName', input: client })
      return z.NEVER
    }
    const checked = appClientSettingsSchema.safeParse(settings)
    if (!checked.success) {
      for (const issue of checked.error.issues)
        context.addIssue({ ...issue, code: 'custom', input: valueAt(settings, issue.path) })
      return z.NEVER
    }
    for (const message of appClientProblems(checked.data, ClientSecret !== undefined)) {
      context.addIssue({ code: 'custom', message })
    }
    return { id: ClientId, name: ClientName ?? ClientId ?? '', secret: ClientSecret, settings }
  })

const scalar = z.union([z.string(), z.number(), z.boolean()]).transform(String)

const seedUser = z.strictObject({
  Username: z.string().min(1).max(128),
  Attributes: z.record(z.string(), scalar).default({}),
  Password: z.string().min(1).max(256).optional(),
  PasswordHash: z
    .string()
    .regex(/^\$argon2id\$/, 'must be an argon2id hash ($argon2id$…)')
    .optional(),
  Groups: z.array(z.string()).default([]),
})

const group = z.strictObject({
  GroupName: z
    .string()
    .regex(/^[\p{L}\p{M}\p{S}\p{N}\p{P}]+$/u)
    .max(128),
  Description: z.string().max(2048).optional(),
  Precedence: z.number().int().min(0).optional(),
  RoleArn: z.string().min(20).max(2048).optional(),
})

const resourceServer = z.strictObject({
  Identifier: z
    .string()
    .regex(/^[\x21\x23-\x5B\x5D-\x7E]+$/, 'must not hold blanks, quotes or backslashes')
    .max(256),
  Name: z.string().min(1).max(256),
  Scopes: z
    .array(
      z.strictObject({
        ScopeName: z
          .string()
          .regex(/^[\x21\x23-\x2E\x30-\x5B\x5D-\x7E]+$/, 'must not hold blanks, slashes, quotes or backslashes')
          .max(256),
        ScopeDescription: z.string().max(256).default(''),
      }),
    )
    .max(100)
    .default([]),
})

export const userPoolConfigurationSchema = z
  .looseObject({
    Id: z.string().refine(isUserPoolId, 'must look like us-east-1_example').optional(),
    PoolName: z.string().min(1).max(128),
    Default: z.boolean().optional(),
    Issuer: issuer.optional(),
    Domains: z.array(origin).optional(),
    Clients: z.array(appClient).default([]),
    ResourceServers: z.array(resourceServer).default([]),
    Groups: z.array(group).default([]),
    Users: z.array(seedUser).default([]),
    IdentityProviders: z.array(z.unknown()).default([]),
    Triggers: z.record(z.string(), z.unknown()).default({}),
  })
  .transform((pool, context) => {
    const {
      Id,
      PoolName,
      Default,
      Issuer,
      Domains,
      Clients,
      ResourceServers,
      Groups,
      Users,
      IdentityProviders,
      Triggers,
      ...settings
    } = pool
    const acted = Object.fromEntries(
      Object.entries(settings).filter(([name]) => !(inertUserPoolMembers as readonly string[]).includes(name)),
    )
    const checked = userPoolSettingsSchema.safeParse(acted)
    if (!checked.success) {
      for (const issue of checked.error.issues)
        context.addIssue({ ...issue, code: 'custom', input: valueAt(acted, issue.path) })
    }
    if (IdentityProviders.length > 0)
      context.addIssue({ code: 'custom', path: ['IdentityProviders'], message: 'is not supported by this release' })
    if (Object.keys(Triggers).length > 0)
      context.addIssue({ code: 'custom', path: ['Triggers'], message: 'is not supported by this release' })
    return {
      id: Id,
      name: PoolName,
      isDefault: Default,
      issuer: Issuer,
      domains: Domains,
      settings,
      clients: Clients,
      resourceServers: ResourceServers.map((server) => ({
        identifier: server.Identifier,
        name: server.Name,
        scopes: server.Scopes.map((scope) => ({ name: scope.ScopeName, description: scope.ScopeDescription })),
      })),
      groups: Groups,
      users: Users,
    }
  })

export type UserPoolConfiguration = z.output<typeof userPoolConfigurationSchema>

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((at, key) => (at as Record<PropertyKey, unknown> | undefined)?.[key], value)
}
