import { addSeconds } from '../../platform/clock.ts'
import { sha256 } from '../../security/digest.ts'
import { unreadableScope } from '../app-clients/attribute-access.ts'
import type { AppClient } from '../app-clients/app-client.ts'
import { hasConsent } from '../consents/check-consent.ts'
import { sealEntry } from '../audit/record.ts'
import type { DomainServices } from '../ports/services.ts'
import { preTokenGeneration } from '../triggers/pre-token-generation.ts'
import type { UserPoolSnapshot } from '../user-pools/user-pool-directory.ts'
import { issuedEntry } from './grant-events.ts'
import { issueTokens } from './issue-tokens.ts'
import type { IssuedTokens } from './issue-tokens.ts'
import { grantFrom, mayReceiveTokens } from './redeem-code.ts'

/**
 * Turns a code that never left the server into the tokens of an implicit answer (RFC 6749 §4.2). The grant ends with its
 * access token: nobody holds a refresh token of it.
 * @returns undefined when the user may have no tokens any more
 */
export async function redeemImplicitly(
  services: DomainServices,
  snapshot: UserPoolSnapshot,
  appClient: AppClient,
  code: string,
): Promise<IssuedTokens | undefined> {
  const userPoolId = snapshot.userPool.id
  const codeHash = sha256(code)
  const found = await services.store.grants.findCode(userPoolId, codeHash)
  if (found === undefined || found.code.clientId !== appClient.id) return undefined
  if (!mayReceiveTokens(snapshot.userPool, found.subject.user, found.code.authTime)) return undefined
  const scopes = found.code.scope.split(' ')
  if (!(await hasConsent(services, appClient, found.code.userSub, scopes))) return undefined
  if (unreadableScope(appClient, scopes) !== undefined) return undefined
  const at = services.clock.now()
  const grant = {
    ...grantFrom(services, found.code, appClient, at),
    expiresAt: addSeconds(at, appClient.accessTokenSeconds),
  }
  const asked = { userPool: snapshot.userPool, appClient, subject: found.subject, scope: grant.scope }
  const overrides = await preTokenGeneration(services, 'HostedAuth', asked)
  // A grant is stored with a refresh token; this one is known to nobody.
  const refreshTokenHash = sha256(services.random.handle())
  const event = sealEntry(services, issuedEntry(grant, { flow: 'implicit' }))
  const redeemed = await services.store.grants.redeemCode({ userPoolId, codeHash, grant, refreshTokenHash, event, at })
  if (!redeemed) return undefined
  return issueTokens(services, snapshot, appClient, grant, found.subject, { nonce: found.code.nonce, overrides })
}
