import { sha256 } from '../../security/digest.ts'
import type { AppClient } from '../app-clients/app-client.ts'
import { record } from '../audit/record.ts'
import type { DomainServices } from '../ports/services.ts'

/** RFC 7009 §2.1: ends the family of a refresh token of this very client. Any other token is none of its business. */
export async function revokeToken(services: DomainServices, appClient: AppClient, token: string): Promise<void> {
  const { store, clock } = services
  const { userPoolId, id: clientId } = appClient
  const found = await store.grants.findRefreshToken(userPoolId, sha256(token))
  if (found === undefined || found.grant.clientId !== clientId) return
  const { id: grant, userSub } = found.grant
  await store.transaction(async (tx) => {
    if (!(await tx.grants.revoke(userPoolId, grant, clock.now()))) return
    await record(services, tx, { userPoolId, eventType: 'TokenRevoke', userSub, clientId, detail: { grant } })
  })
}
