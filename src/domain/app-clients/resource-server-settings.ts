import { z } from 'zod'
import type { ResourceServer } from './app-client.ts'

/** Cognito's quota is 25 a user pool, and 300 at most. */
export const maximumResourceServers = 300

/** A resource server in Cognito's member names (CreateResourceServer). */
export const resourceServerSchema = z.strictObject({
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
    .superRefine((scopes, context) => {
      const names = scopes.map(({ ScopeName }) => ScopeName)
      const twice = names.findIndex((name, index) => names.indexOf(name) < index)
      if (twice === -1) return
      context.addIssue({ code: 'custom', path: [twice, 'ScopeName'], message: 'stands twice: give each its own' })
    })
    .default([]),
})

export const resourceServerOf = (
  settings: z.output<typeof resourceServerSchema>,
): Omit<ResourceServer, 'userPoolId'> => ({
  identifier: settings.Identifier,
  name: settings.Name,
  scopes: settings.Scopes.map((scope) => ({ name: scope.ScopeName, description: scope.ScopeDescription })),
})
