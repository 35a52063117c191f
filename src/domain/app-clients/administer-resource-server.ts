import { onRecord, responseOf } from '../audit/record.ts'
import type { DomainServices } from '../ports/services.ts'
import type { Repositories } from '../ports/store.ts'
import type { ResourceServer } from './app-client.ts'
import { maximumResourceServers } from './resource-server-settings.ts'
import { customScopes } from './scopes.ts'

/* What an operator does with resource servers: Cognito's *ResourceServer operations. */

export type CreateResourceServerOutcome =
  { kind: 'done' } | { kind: 'refused'; reason: 'resourceServerExists' | 'limitExceeded' }

/** Cognito's CreateResourceServer. @param server checked already (see `resourceServerSchema`) */
export function createResourceServer(
  services: DomainServices,
  server: ResourceServer,
): Promise<CreateResourceServerOutcome> {
  const { userPoolId, identifier } = server
  const work = async (tx: Repositories): Promise<CreateResourceServerOutcome> => {
    const stored = await tx.settings.resourceServers(server.userPoolId)
    if (stored.some(({ identifier }) => identifier === server.identifier)) {
      return { kind: 'refused', reason: 'resourceServerExists' }
    }
    if (stored.length >= maximumResourceServers) return { kind: 'refused', reason: 'limitExceeded' }
    await tx.settings.saveResourceServer(server, services.clock.now())
    return { kind: 'done' }
  }
  return onRecord(services, work, (outcome) => ({
    userPoolId,
    eventType: 'ResourceServerCreate',
    ...responseOf(outcome),
    detail: { identifier },
  }))
}

export type DeleteResourceServerOutcome =
  /** `appClients`: ids of those whose settings still name its scopes, which give them nothing any more. */
  { kind: 'done'; server: ResourceServer; appClients: readonly string[] } | { kind: 'refused'; reason: 'notFound' }

/** Cognito's DeleteResourceServer. Its scopes stay listed with app clients and do nothing, as in Cognito. */
export function deleteResourceServer(
  services: DomainServices,
  request: { userPoolId: string; identifier: string },
): Promise<DeleteResourceServerOutcome> {
  const { userPoolId, identifier } = request
  const work = async (tx: Repositories): Promise<DeleteResourceServerOutcome> => {
    const server = (await tx.settings.resourceServers(userPoolId)).find((stored) => stored.identifier === identifier)
    if (server === undefined || !(await tx.settings.deleteResourceServer(userPoolId, identifier))) {
      return { kind: 'refused', reason: 'notFound' }
    }
    const scopes = new Set(customScopes([server]))
    const holds = (allowed: unknown): boolean =>
      Array.isArray(allowed) && allowed.some((scope: unknown) => typeof scope === 'string' && scopes.has(scope))
    const appClients = (await tx.settings.appClients(userPoolId)).filter(({ settings }) =>
      holds(settings['AllowedOAuthScopes']),
    )
    return { kind: 'done', server, appClients: appClients.map(({ id }) => id) }
  }
  return onRecord(services, work, ({ kind }) =>
    kind === 'done' ? { userPoolId, eventType: 'ResourceServerDelete', detail: { identifier } } : undefined,
  )
}
