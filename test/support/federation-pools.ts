import { startIdentityProvider, providerClient } from './identity-provider.ts'
import type { IdentityProviderServer, Person } from './identity-provider.ts'
import { startServer } from './server.ts'
import type { TestServer, TestServerOptions } from './server.ts'
import { createUserAgent } from './user-agent.ts'
import type { UserAgent, VisitedPage } from './user-agent.ts'
import { callback, visitorAt } from './visitor.ts'
import type { Visitor, VisitOptions } from './visitor.ts'

/* User pools whose people may sign in at another provider, each with an app client named after it. */

const usual = {
  UsernameAttributes: ['email'],
  AutoVerifiedAttributes: ['email'],
  SupportedIdentityProviders: ['COGNITO', 'Acme'],
}

const pools = {
  /** Beside accounts of its own. */
  both: {},
  /** The operator trusts what it says of addresses. */
  trusting: { AttributeMapping: { email_verified: 'email_verified' } },
  /** The provider alone. */
  alone: { SupportedIdentityProviders: ['Acme'] },
  strict: { MfaConfiguration: 'ON', SoftwareTokenMfaConfiguration: { Enabled: true } },
  lenient: { MfaConfiguration: 'ON', SoftwareTokenMfaConfiguration: { Enabled: true }, RequireMfa: false },
  demanding: { Schema: [{ Name: 'family_name', Required: true }] },
  /** Its app asks questions of its own in place of a password. */
  asking: { ExplicitAuthFlows: ['ALLOW_CUSTOM_AUTH'] },
  named: { UsernameAttributes: [], AliasAttributes: ['email'] },
} as const

export type FederationPool = keyof typeof pools

export const federationPoolId = (pool: FederationPool): string => `eu-west-1_${pool}`

export interface Federation {
  server: TestServer
  idp: IdentityProviderServer
  base(pool: FederationPool): string
  visitor(pool: FederationPool, options?: VisitOptions): Promise<Visitor>
  /** Follows the button of the sign-in page, signs in there as this person, and comes back. */
  throughProvider(visitor: Pick<Visitor, 'visit' | 'login'>, person: Person | undefined): Promise<VisitedPage>
  browser(): UserAgent
  stop(): Promise<void>
}

/** @param more members of all pools, such as Triggers */
export async function startFederation(options: TestServerOptions, more: object = {}): Promise<Federation> {
  let publicUrl = ''
  const base = (pool: FederationPool): string => `${publicUrl}/${federationPoolId(pool)}`
  const idp = await startIdentityProvider(() =>
    (Object.keys(pools) as FederationPool[]).map((pool) => `${base(pool)}/oauth2/idpresponse`),
  )
  const configuration = JSON.stringify({
    UserPools: Object.entries(pools).map(([name, settings]) => {
      const {
        SupportedIdentityProviders,
        AttributeMapping,
        RequireMfa,
        ExplicitAuthFlows,
        ...own
      }: Record<string, unknown> = {
        ...usual,
        ...settings,
      }
      return {
        Id: `eu-west-1_${name}`,
        PoolName: name,
        ...own,
        ...more,
        IdentityProviders: [
          {
            ProviderName: 'Acme',
            ProviderType: 'OIDC',
            ProviderDetails: { ...providerClient, oidc_issuer: idp.issuer, authorize_scopes: 'openid email profile' },
            AttributeMapping: { email: 'email', name: 'name', ...(AttributeMapping as object | undefined) },
            IdpIdentifiers: ['acme.example'],
            AllowPrivateAddresses: true,
            ...(RequireMfa === undefined ? {} : { RequireMfa }),
          },
        ],
        Clients: [
          {
            ClientId: name,
            CallbackURLs: [callback],
            LogoutURLs: ['https://app.example/'],
            AllowedOAuthFlows: ['code'],
            AllowedOAuthScopes: ['openid', 'email', 'profile'],
            SupportedIdentityProviders,
            ...(ExplicitAuthFlows === undefined ? {} : { ExplicitAuthFlows }),
          },
        ],
      }
    }),
  })
  const server = await startServer({ ...options, configuration })
  publicUrl = server.publicUrl
  return {
    server,
    idp,
    base,
    visitor: (pool, visit) => visitorAt(base(pool), pool, visit),
    async throughProvider({ visit, login }, person) {
      idp.somebody(person)
      const there = login.heading === '' ? login : await login.follow('Continue with')
      return visit((await idp.signIn(there.url.href)).href)
    },
    browser: () => createUserAgent(publicUrl),
    async stop() {
      await server.stop()
      await idp.stop()
    },
  }
}
