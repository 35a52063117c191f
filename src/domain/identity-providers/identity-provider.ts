/** Cognito's ProviderType, as far as this release federates. */
export type ProviderType = 'OIDC' | 'Google'

/** A provider at which people may sign in (Cognito: CreateIdentityProvider), with every default filled in. */
export interface IdentityProvider {
  name: string
  type: ProviderType
  clientId: string
  /** Absent: it knows us as a public client. */
  sealedClientSecret?: string
  /** What `iss` of its ID tokens must be. */
  issuer: string
  /** Separated by blanks. */
  scopes: string
  /** Absent: found by discovery. */
  endpoints?: { authorize: string; token: string; userInfo?: string; jwks: string }
  userInfoMethod: 'GET' | 'POST'
  /** By attribute of the pool: the claim that its value is taken from. */
  attributeMapping: Readonly<Record<string, string>>
  /** What `idp_identifier` of a request may say in place of the name. */
  identifiers: readonly string[]
  /** A second factor of the pool is asked for after it, as after a password. */
  requiresMfa: boolean
  allowPrivateAddresses: boolean
}

/** Somebody's account at a provider, that they may sign in with; Cognito's `identities`. */
export interface Identity {
  providerName: string
  providerType: ProviderType
  /** Of the provider when it was linked: it counts only while the provider has this one. */
  issuer: string
  /** `sub` there; unique within the issuer alone. */
  userId: string
  /** The user came into being with it. */
  primary: boolean
  /** ISO 8601. */
  linkedAt: string
}

/** Cognito's limit a user. */
export const maximumIdentities = 5

/** The purpose under which secrets of providers are sealed. */
export const providerSecretPurpose = 'identity provider secret'

/** Cognito's value among `amr`: a provider's word for it. */
export const federated = 'fed'

/** Not told to apps: the pool takes this provider's word for a second factor as well (`RequireMfa: false`). */
export const federatedEnough = 'fed_enough'

/** `amr` as apps are told it. */
export const toldAmr = (amr: readonly string[]): string[] => amr.filter((name) => name !== federatedEnough)

/** Cognito's form of `identities`: in ID tokens, and as a text among the attributes that triggers get. */
export const identitiesClaim = (identities: readonly Identity[]): readonly Readonly<Record<string, unknown>>[] =>
  identities.map(({ userId, providerName, providerType, issuer, primary, linkedAt }) => ({
    userId,
    providerName,
    providerType,
    // As in Cognito, which names none for social ones.
    issuer: providerType === 'OIDC' ? issuer : null,
    primary: String(primary),
    dateCreated: String(Date.parse(linkedAt)),
  }))
