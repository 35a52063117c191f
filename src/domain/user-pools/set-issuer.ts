import { onRecord, responseOf } from '../audit/record.ts'
import type { DomainServices } from '../ports/services.ts'
import type { Repositories } from '../ports/store.ts'

export type SetIssuerOutcome =
  { kind: 'done'; previous: string } | { kind: 'refused'; reason: 'notFound' | 'issuerTaken' }

/**
 * Gives a pool another issuer for good (design decision 5): the one deliberate way to do so. Tokens that were issued
 * under the former one are no longer accepted anywhere.
 */
export async function setIssuer(
  services: DomainServices,
  request: { userPoolId: string; issuer: string },
): Promise<SetIssuerOutcome> {
  const work = async (tx: Repositories): Promise<SetIssuerOutcome> => {
    const stored = await tx.settings.userPools()
    const existing = stored.find((userPool) => userPool.id === request.userPoolId)
    if (existing === undefined) return { kind: 'refused', reason: 'notFound' }
    const taken = stored.some((userPool) => userPool.id !== existing.id && userPool.issuer === request.issuer)
    if (taken) return { kind: 'refused', reason: 'issuerTaken' }
    const { version: _version, ...record } = existing
    // The stored member is what later starts compare with: without it each of them would warn of PUBLIC_URL.
    const settings = { ...record.settings, Issuer: request.issuer }
    const changed = { ...record, settings, issuer: request.issuer, issuerFollowsPublicUrl: false }
    await tx.settings.saveUserPool(changed, services.clock.now())
    return { kind: 'done', previous: existing.issuer }
  }
  return onRecord(services, work, (outcome) => ({
    userPoolId: request.userPoolId,
    eventType: 'UserPoolUpdate',
    ...responseOf(outcome),
    detail: { members: ['Issuer'] },
  }))
}
