import { z } from 'zod'
import type { AppClient } from '../app-clients/app-client.ts'
import type { TokenSubject } from '../ports/store.ts'
import { groupConfigurationOf } from '../tokens/claims.ts'
import type { TokenOverrides } from '../tokens/claim-overrides.ts'
import { regionOf } from '../user-pools/region.ts'
import type { UserPool } from '../user-pools/user-pool.ts'
import { callerContext, userAttributes } from './envelope.ts'
import { fireTrigger } from './fire-trigger.ts'
import type { TriggerEvent, TriggerServices } from './fire-trigger.ts'
import { TriggerFailure } from './trigger-failure.ts'

/* What a trigger makes of tokens, in each of Cognito's three forms (reference: triggers §8). */

/** Cognito's limit of claims and scopes together. */
const maximumChanges = 5000

const names = z
  .array(z.string().max(2048))
  .nullish()
  .transform((list) => list ?? [])
const groups = z
  .object({
    groupsToOverride: names,
    iamRolesToOverride: names,
    preferredRole: z.string().max(2048).nullish(),
  })
  .nullable()
  .optional()

const claimsOf = <Value>(value: z.ZodType<Value>) => ({
  claimsToAddOrOverride: z
    .record(z.string(), value)
    .nullish()
    .transform((claims) => claims ?? {}),
  claimsToSuppress: names,
})
const idTokenGeneration = z.object(claimsOf(z.unknown())).nullish()
const accessTokenGeneration = z
  .object({ ...claimsOf(z.unknown()), scopesToAdd: names, scopesToSuppress: names })
  .nullish()

const first = z.object({
  claimsOverrideDetails: z.object({ ...claimsOf(z.string()), groupOverrideDetails: groups }).nullish(),
})
const second = z.object({
  claimsAndScopeOverrideDetails: z
    .object({ idTokenGeneration, accessTokenGeneration, groupOverrideDetails: groups })
    .nullish(),
})

const none = { add: {}, suppress: [] }

/** Leaving the member out keeps the groups, as Cognito says; empty or null takes them away. */
const groupsIn = (details: z.output<typeof groups>): Pick<TokenOverrides, 'groups'> =>
  details === undefined
    ? {}
    : {
        groups: {
          groups: details?.groupsToOverride ?? [],
          roles: details?.iamRolesToOverride ?? [],
          ...(typeof details?.preferredRole === 'string' ? { preferredRole: details.preferredRole } : {}),
        },
      }

const firstForm = first.transform(({ claimsOverrideDetails: details }): TokenOverrides | undefined => {
  if (details === undefined || details === null) return undefined
  return {
    id: { add: details.claimsToAddOrOverride, suppress: details.claimsToSuppress },
    access: { ...none, addScopes: [], suppressScopes: [] },
    ...groupsIn(details.groupOverrideDetails),
  }
})

const secondForm = second.transform(({ claimsAndScopeOverrideDetails: details }): TokenOverrides | undefined => {
  if (details === undefined || details === null) return undefined
  const { idTokenGeneration: id, accessTokenGeneration: access } = details
  return {
    id: { add: id?.claimsToAddOrOverride ?? {}, suppress: id?.claimsToSuppress ?? [] },
    access: {
      add: access?.claimsToAddOrOverride ?? {},
      suppress: access?.claimsToSuppress ?? [],
      addScopes: access?.scopesToAdd ?? [],
      suppressScopes: access?.scopesToSuppress ?? [],
    },
    ...groupsIn(details.groupOverrideDetails),
  }
})

const versions = { V1_0: '1', V2_0: '2', V3_0: '3' } as const

interface ForUser {
  userPool: UserPool
  appClient: AppClient
  subject: TokenSubject
  scope: string
}

/** What follows `TokenGeneration_`: on the pages the first, at a refresh the last, and in Cognito's API by what the sign-in took. */
export type TokenGenerationSource =
  'HostedAuth' | 'Authentication' | 'NewPasswordChallenge' | 'AuthenticateDevice' | 'RefreshTokens'

/** Before tokens of a user are made, and before anything is spent for them. @throws TriggerFailure */
export async function preTokenGeneration(
  services: TriggerServices,
  source: TokenGenerationSource,
  { userPool, appClient, subject, scope }: ForUser,
): Promise<TokenOverrides | undefined> {
  const target = userPool.triggers.PreTokenGeneration
  if (target === undefined) return undefined
  const request = {
    userAttributes: userAttributes(subject.user),
    groupConfiguration: groupConfigurationOf(subject.groups),
    ...(target.version === 'V1_0' ? {} : { scopes: scope.split(' ') }),
  }
  return ask(services, userPool, appClient, {
    triggerSource: `TokenGeneration_${source}`,
    userName: subject.user.username,
    request,
  })
}

/** The same for a token of the app client itself; only in the third form. @throws TriggerFailure */
export async function preClientTokenGeneration(
  services: TriggerServices,
  {
    userPool,
    appClient,
    scopes,
    clientMetadata,
  }: {
    userPool: UserPool
    appClient: AppClient
    scopes: readonly string[]
    clientMetadata: Readonly<Record<string, string>> | undefined
  },
): Promise<TokenOverrides | undefined> {
  if (userPool.triggers.PreTokenGeneration?.version !== 'V3_0') return undefined
  return ask(services, userPool, appClient, {
    triggerSource: 'TokenGeneration_ClientCredentials',
    userName: 'ClientCredentials',
    request: {
      userAttributes: {},
      groupConfiguration: null,
      scopes,
      ...(clientMetadata === undefined ? {} : { clientMetadata }),
    },
  })
}

async function ask(
  services: TriggerServices,
  userPool: UserPool,
  appClient: AppClient,
  parts: Pick<TriggerEvent, 'triggerSource' | 'userName' | 'request'>,
): Promise<TokenOverrides | undefined> {
  const version = userPool.triggers.PreTokenGeneration?.version ?? 'V1_0'
  const isFirst = version === 'V1_0'
  const event = {
    version: versions[version],
    region: regionOf(userPool),
    userPoolId: userPool.id,
    callerContext: callerContext(services.caller, appClient),
    ...parts,
    response: isFirst ? { claimsOverrideDetails: null } : { claimsAndScopeOverrideDetails: null },
  }
  const overrides = await fireTrigger(services, userPool, 'PreTokenGeneration', event, isFirst ? firstForm : secondForm)
  if (overrides !== undefined && sizeOf(overrides) > maximumChanges) {
    throw new TriggerFailure('PreTokenGeneration', 'invalid', `more than ${maximumChanges} claims and scopes`)
  }
  return overrides
}

const sizeOf = ({ id, access }: TokenOverrides): number =>
  Object.keys(id.add).length +
  Object.keys(access.add).length +
  id.suppress.length +
  access.suppress.length +
  access.addScopes.length
