import { Secret, TOTP } from 'otpauth'
import type { TestServer } from './server.ts'
import { callback } from './visitor.ts'
import { visitorAt } from './visitor.ts'
import type { VisitOptions, Visitor } from './visitor.ts'
import type { VisitedPage } from './user-agent.ts'

/* User pools that ask for a second factor, each with an app client named after it. */

const everyFactor = {
  SoftwareTokenMfaConfiguration: { Enabled: true },
  SmsMfaConfiguration: {},
  EmailMfaConfiguration: {},
}

const pools = {
  app: { MfaConfiguration: 'ON' },
  all: { MfaConfiguration: 'ON', ...everyFactor },
  optional: { MfaConfiguration: 'OPTIONAL', ...everyFactor },
  later: { MfaConfiguration: 'OFF' },
} as const

export type FactorPool = keyof typeof pools

export const factorPoolId = (pool: FactorPool): string => `eu-west-1_${pool}`

/** @param more settings of all of them */
export const factorPools = (more: object = {}): string =>
  JSON.stringify({
    UserPools: Object.entries(pools).map(([name, settings], index) => ({
      Id: `eu-west-1_${name}`,
      PoolName: name,
      Default: index === 0,
      UsernameAttributes: ['email'],
      AutoVerifiedAttributes: ['email'],
      ...settings,
      ...more,
      Clients: [
        {
          ClientId: name,
          CallbackURLs: [callback],
          LogoutURLs: ['https://app.example/'],
          AllowedOAuthFlows: ['code'],
          AllowedOAuthScopes: ['openid', 'email'],
        },
      ],
    })),
  })

export const visitorIn = (server: TestServer, pool: FactorPool, options: VisitOptions = {}): Promise<Visitor> =>
  visitorAt(`${server.publicUrl}/${factorPoolId(pool)}`, pool, options)

/** The authenticator app of a person who types the key that the page shows. */
export function appFrom(page: VisitedPage): { codeAt(time: Date): string } {
  const key = /<code[^>]*>([A-Z2-7 ]+)<\/code>/.exec(page.html)?.[1]
  if (key === undefined) throw new Error(`no key on ${page.heading}`)
  const app = new TOTP({ secret: Secret.fromBase32(key.replaceAll(' ', '')) })
  return { codeAt: (time) => app.generate({ timestamp: time.getTime() }) }
}
