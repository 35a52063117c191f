import { newUserPoolId } from '../../platform/ids.ts'
import type { DomainServices } from '../ports/services.ts'
import type { UserPoolRecord } from '../ports/store.ts'
import type { CreateUserRequest } from '../users/administer-user.ts'
import type { UserPoolConfiguration } from './configuration.ts'
import { configuredEventWebhooks } from './event-webhook-settings.ts'
import { configuredIdentityProviders } from './identity-provider-settings.ts'
import { chooseIssuer } from './issuer.ts'
import { configuredTriggers } from './trigger-settings.ts'
import type { UserPool } from './user-pool.ts'

/** What the configuration makes of one user pool, beside what is stored. */
export interface UserPoolPlan {
  configuration: UserPoolConfiguration
  existing: UserPoolRecord | undefined
  record: Omit<UserPoolRecord, 'version'>
  warnings: readonly string[]
}

/** Pure but for the ids of new pools. A pool without an id is known by its name. */
export function planUserPools(
  { random, sealedBox }: Pick<DomainServices, 'random' | 'sealedBox'>,
  stored: readonly UserPoolRecord[],
  userPools: readonly UserPoolConfiguration[],
  options: { publicUrl: string; region: string },
): readonly UserPoolPlan[] {
  const named = userPools.findIndex((userPool) => userPool.isDefault === true)
  // Nobody is the default: then the first one that does not say otherwise.
  const fallback = stored.some((record) => record.isDefault)
    ? -1
    : userPools.findIndex((userPool) => userPool.isDefault === undefined)
  return userPools.map((configuration, index) => {
    const existing = stored.find((record) =>
      configuration.id === undefined ? record.name === configuration.name : record.id === configuration.id,
    )
    const id = configuration.id ?? existing?.id ?? newUserPoolId(random, options.region)
    const settings = {
      ...existing?.settings,
      ...configuration.settings,
      ...(configuration.issuer === undefined ? {} : { Issuer: configuration.issuer }),
    }
    const { warnings, ...issuer } = chooseIssuer({
      id,
      existing,
      configured: issuerOf(settings),
      publicUrl: options.publicUrl,
    })
    const isDefault = named === -1 ? (existing?.isDefault ?? index === fallback) : index === named
    const record = {
      id,
      name: configuration.name,
      isDefault: configuration.isDefault ?? isDefault,
      issuer: issuer.issuer,
      issuerFollowsPublicUrl: issuer.followsPublicUrl,
      domains: configuration.domains ?? existing?.domains ?? [],
      settings,
      triggers: configuredTriggers(sealedBox, existing?.triggers, configuration.triggers),
      ...unlessEmpty(
        'eventWebhooks',
        configuredEventWebhooks(sealedBox, existing?.eventWebhooks, configuration.eventWebhooks),
      ),
      ...unlessEmpty(
        'identityProviders',
        configuredIdentityProviders(sealedBox, existing?.identityProviders, configuration.identityProviders),
      ),
      ...(existing?.passwordForms === undefined ? {} : { passwordForms: existing.passwordForms }),
    }
    return { configuration, existing, record, warnings }
  })
}

/** A pool without any has no such member, in the row as in the record. */
const unlessEmpty = <Name extends 'eventWebhooks' | 'identityProviders'>(
  name: Name,
  rows: NonNullable<UserPoolRecord[Name]>,
): Pick<UserPoolRecord, Name> => (rows.length === 0 ? {} : { [name]: rows }) as Pick<UserPoolRecord, Name>

/** The issuer that was once configured: it stays when the file does not name it any more. */
export const issuerOf = (settings: Readonly<Record<string, unknown>>): string | undefined =>
  typeof settings['Issuer'] === 'string' ? settings['Issuer'] : undefined

/** A user of the file, as an administrator would make it. */
export const newUserOf = (userPool: UserPool, seed: UserPoolConfiguration['users'][number]): CreateUserRequest => ({
  userPool,
  username: seed.Username,
  attributes: seed.Attributes,
  ...(seed.Password === undefined ? {} : { password: seed.Password }),
  ...(seed.PasswordHash === undefined ? {} : { passwordHash: seed.PasswordHash }),
  permanent: true,
  groups: seed.Groups,
})
