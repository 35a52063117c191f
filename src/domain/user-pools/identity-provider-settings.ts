import { z } from 'zod'
import type { SealedBox } from '../../security/sealed-box.ts'
import { providerSecretPurpose } from '../identity-providers/identity-provider.ts'
import type { IdentityProvider } from '../identity-providers/identity-provider.ts'
import { standardAttributeNames } from '../users/attribute-schema.ts'

/* `IdentityProviders` of a user pool, in the members of CreateIdentityProvider. What is secret is stored sealed. */

const address = z.url({ protocol: /^https?$/, error: 'must be a URL such as https://id.example.com' })
const text = z.string().min(1).max(2048)

/** Members that Cognito describes with a provider and that say nothing about how it works. */
const described = {
  UserPoolId: z.unknown().optional(),
  CreationDate: z.unknown().optional(),
  LastModifiedDate: z.unknown().optional(),
}

const oidcDetails = {
  client_id: text,
  oidc_issuer: address.refine(
    (url) => !url.endsWith('/') && !/[?#@]/.test(url),
    'must have no trailing slash or query',
  ),
  authorize_scopes: text.default('openid'),
  authorize_url: address.optional(),
  token_url: address.optional(),
  attributes_url: address.optional(),
  jwks_uri: address.optional(),
  attributes_request_method: z.enum(['GET', 'POST']).default('GET'),
  attributes_url_add_attributes: z.unknown().optional(),
}

const googleDetails = {
  client_id: text,
  authorize_scopes: text.default('openid email profile'),
  // Cognito describes these; they are what discovery says.
  ...Object.fromEntries(
    ['authorize_url', 'token_url', 'attributes_url', 'oidc_issuer', 'token_request_method', 'jwks_uri'].map((name) => [
      name,
      z.unknown().optional(),
    ]),
  ),
  attributes_url_add_attributes: z.unknown().optional(),
}

const mapped = (name: string): boolean =>
  name === 'username' || name.startsWith('custom:') || (standardAttributeNames as readonly string[]).includes(name)

const common = {
  // Cognito's, and nothing that an address or a name could be taken apart at.
  ProviderName: z
    .string()
    .regex(/^(?!COGNITO$)[\p{L}\p{N}][\p{L}\p{N}.-]{1,31}$/u, 'must be 2 to 32 letters, digits, "." and "-"'),
  AttributeMapping: z
    .record(z.string(), text)
    .refine((mapping) => Object.keys(mapping).every(mapped), 'maps to something that is no attribute')
    .refine(({ username = 'sub' }) => username === 'sub', 'the user name is the subject: username can only be sub')
    .default({}),
  IdpIdentifiers: z
    .array(z.string().regex(/^[\w\s+=.@-]{1,40}$/))
    .max(50)
    .default([]),
  RequireMfa: z.boolean().default(true),
  AllowPrivateAddresses: z.boolean().default(false),
}

const kinds = <Secret extends z.ZodRawShape, More extends z.ZodRawShape>(secret: Secret, more: More) =>
  z.discriminatedUnion(
    'ProviderType',
    [
      z.strictObject({
        ...common,
        ...more,
        ProviderType: z.literal('OIDC'),
        ProviderDetails: z.strictObject({ ...oidcDetails, ...secret }),
      }),
      z.strictObject({
        ...common,
        ...more,
        ProviderType: z.literal('Google'),
        ProviderDetails: z.strictObject({ ...googleDetails, ...secret }),
      }),
    ],
    { error: 'must be OIDC or Google: this release federates to no others' },
  )

const written = kinds({ client_secret: text.optional() }, described).superRefine((provider, context) => {
  if (provider.ProviderType !== 'OIDC') return
  const { ProviderDetails: details, AllowPrivateAddresses } = provider
  const wrong = (member: string, message: string): void =>
    context.addIssue({ code: 'custom', path: ['ProviderDetails', member], message })
  const named = ['authorize_url', 'token_url', 'jwks_uri'] as const
  const missing = named.filter((member) => details[member] === undefined)
  if (missing.length > 0 && missing.length < named.length) {
    wrong(missing[0] ?? '', 'is missing: name authorize_url, token_url and jwks_uri, or none of them')
  }
  for (const member of ['oidc_issuer', 'attributes_url', ...named] as const) {
    if (details[member]?.startsWith('http:') === true && !AllowPrivateAddresses) {
      wrong(member, 'must be https, unless AllowPrivateAddresses is true')
    }
  }
  if (!details.authorize_scopes.split(' ').includes('openid')) wrong('authorize_scopes', 'must have openid among them')
})

/** A pool's `IdentityProviders`. */
export const identityProvidersSchema = z
  .array(written)
  .max(300)
  .refine(
    (list) => new Set(list.map(({ ProviderName }) => ProviderName.toLowerCase())).size === list.length,
    'has a ProviderName twice',
  )

export type WrittenIdentityProviders = z.output<typeof identityProvidersSchema>

const stored = kinds({ sealed_client_secret: z.string().optional() }, {})

/** As a row holds them: as written, with secrets sealed. */
export type StoredIdentityProviders = readonly Readonly<Record<string, unknown>>[]

/**
 * Where the configuration file names the member, its providers are all there are; a secret that does not change keeps its sealed form,
 * and none is kept that the file does not name: it would go to wherever the provider is now (threat row C16).
 */
export function configuredIdentityProviders(
  sealedBox: SealedBox,
  existing: StoredIdentityProviders | undefined,
  named: WrittenIdentityProviders | undefined,
): StoredIdentityProviders {
  if (named === undefined) return existing ?? []
  const before = (existing ?? []).map((row) => stored.parse(row))
  return named.map((provider) => {
    const {
      UserPoolId: _pool,
      CreationDate: _created,
      LastModifiedDate: _modified,
      ProviderDetails,
      ...rest
    } = provider
    const { client_secret: secret, ...details } = ProviderDetails
    const known = before.find(({ ProviderName }) => ProviderName === rest.ProviderName)?.ProviderDetails
    const kept = known?.sealed_client_secret
    const isSame = kept !== undefined && secret !== undefined && sealedBox.open(kept, providerSecretPurpose) === secret
    const sealed = isSame ? kept : secret && sealedBox.seal(secret, providerSecretPurpose)
    const secretMember = sealed === undefined ? {} : { sealed_client_secret: sealed }
    return { ...rest, ProviderDetails: { ...details, ...secretMember } }
  })
}

const googleIssuer = 'https://accounts.google.com'

/** Every default filled in. */
export const identityProvidersOf = (rows: StoredIdentityProviders | undefined): readonly IdentityProvider[] =>
  (rows ?? []).map((row): IdentityProvider => {
    const provider = stored.parse(row)
    const { client_id: clientId, sealed_client_secret: secret, authorize_scopes: scopes } = provider.ProviderDetails
    return {
      name: provider.ProviderName,
      type: provider.ProviderType,
      clientId,
      ...(secret === undefined ? {} : { sealedClientSecret: secret }),
      scopes,
      ...(provider.ProviderType === 'OIDC' ? oidcParts(provider.ProviderDetails) : googleParts),
      attributeMapping: provider.AttributeMapping,
      identifiers: provider.IdpIdentifiers,
      requiresMfa: provider.RequireMfa,
      allowPrivateAddresses: provider.AllowPrivateAddresses,
    }
  })

const googleParts = { issuer: googleIssuer, userInfoMethod: 'GET' } as const

type OidcDetails = Extract<z.output<typeof stored>, { ProviderType: 'OIDC' }>['ProviderDetails']

function oidcParts(details: OidcDetails): Pick<IdentityProvider, 'issuer' | 'userInfoMethod' | 'endpoints'> {
  const { oidc_issuer: issuer, attributes_request_method: userInfoMethod } = details
  const { authorize_url: authorize, token_url: token, attributes_url: userInfo, jwks_uri: jwks } = details
  if (authorize === undefined || token === undefined || jwks === undefined) return { issuer, userInfoMethod }
  const endpoints = { authorize, token, jwks, ...(userInfo === undefined ? {} : { userInfo }) }
  return { issuer, userInfoMethod, endpoints }
}
