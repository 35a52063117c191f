import { createHash } from 'node:crypto'
import { addSeconds } from '../../platform/clock.ts'
import { constantTimeEqual, sha256 } from '../../security/digest.ts'
import type { AppClient } from '../app-clients/app-client.ts'
import { unreadableScope } from '../app-clients/attribute-access.ts'
import { hasConsent } from '../consents/check-consent.ts'
import { sealEntry } from '../audit/record.ts'
import { mayComeIn } from '../identity-providers/find-provider.ts'
import type { DomainServices } from '../ports/services.ts'
import type { TokenSubject } from '../ports/store.ts'
import { preTokenGeneration } from '../triggers/pre-token-generation.ts'
import type { UserPool } from '../user-pools/user-pool.ts'
import type { UserPoolSnapshot } from '../user-pools/user-pool-directory.ts'
import type { User } from '../users/user.ts'
import type { AuthorizationCode, Grant } from './grant.ts'
import { endReusedFamily, issuedEntry, recordRefusal } from './grant-events.ts'
import { issueTokens } from './issue-tokens.ts'
import type { IssuedTokens } from './issue-tokens.ts'

export type GrantOutcome =
  | { kind: 'done'; tokens: IssuedTokens; refreshToken?: string }
  /** `detail` is for the log. */
  | { kind: 'refused'; error: 'invalid_grant' | 'redirect_mismatch'; detail: string }

/**
 * Answers grant_type=authorization_code (RFC 6749 §4.1.3, RFC 7636 §4.6). Each check alone must fail (threat row C3);
 * spending the code and opening its grant are one statement, and a code shown twice ends what it began (§4.1.2).
 */
export async function redeemCode(
  services: DomainServices,
  snapshot: UserPoolSnapshot,
  appClient: AppClient,
  request: { code: string; redirectUri: string | undefined; codeVerifier: string | undefined },
): Promise<GrantOutcome> {
  const userPoolId = snapshot.userPool.id
  const codeHash = sha256(request.code)
  const found = await services.store.grants.findCode(userPoolId, codeHash)
  const at = services.clock.now()
  if (found === undefined) return refuse('invalid_grant', 'no such code')
  const { code, subject } = found
  if (found.consumedAt !== undefined && code.clientId === appClient.id) {
    if (found.grantId !== undefined) await endReusedFamily(services, { ...code, id: found.grantId }, 'code')
    return refuse('invalid_grant', 'code used before')
  }
  const refusal = await whyRefused(services, snapshot.userPool, appClient, found, request, at)
  if (refusal !== undefined) {
    const about = { userPoolId, userSub: code.userSub, clientId: appClient.id, hash: codeHash }
    await recordRefusal(services, 'TokenIssue', about, refusal.detail)
    return refusal
  }

  const grant = grantFrom(services, code, appClient, at)
  const asked = { userPool: snapshot.userPool, appClient, subject, scope: grant.scope }
  // Before the code is spent: one that is kept waiting, or turned away for now, may be shown again.
  const overrides = await preTokenGeneration(services, 'HostedAuth', asked)
  const refreshToken = services.random.handle()
  const redeemed = await services.store.grants.redeemCode({
    userPoolId,
    codeHash,
    grant,
    refreshTokenHash: sha256(refreshToken),
    event: sealEntry(services, issuedEntry(grant, { flow: 'code' })),
    at,
  })
  if (!redeemed) {
    const winner = await services.store.grants.findCode(userPoolId, codeHash)
    if (winner?.grantId !== undefined) await endReusedFamily(services, { ...code, id: winner.grantId }, 'code')
    return refuse('invalid_grant', 'code used at the same moment')
  }
  const tokens = await issueTokens(services, snapshot, appClient, grant, subject, { nonce: code.nonce, overrides })
  return { kind: 'done', tokens, refreshToken }
}

/** Each of these alone must refuse. */
async function whyRefused(
  services: DomainServices,
  userPool: UserPool,
  appClient: AppClient,
  { code, subject }: { code: AuthorizationCode; subject: TokenSubject },
  request: { redirectUri: string | undefined; codeVerifier: string | undefined },
  at: Date,
): Promise<Refusal | undefined> {
  if (code.clientId !== appClient.id) return refuse('invalid_grant', 'code of another client')
  if (code.expiresAt <= at) return refuse('invalid_grant', 'code expired')
  if (request.redirectUri !== code.redirectUri) return refuse('redirect_mismatch', 'redirect_uri differs')
  const proof = checkCodeVerifier(code, request.codeVerifier)
  if (proof !== undefined) return refuse('invalid_grant', proof)
  if (!mayReceiveTokens(userPool, subject.user, code.authTime))
    return refuse('invalid_grant', 'user disabled or signed out')
  const scopes = code.scope.split(' ')
  if (!(await hasConsent(services, appClient, code.userSub, scopes))) return refuse('invalid_grant', 'no consent')
  const unreadable = unreadableScope(appClient, scopes)
  if (unreadable === undefined) return undefined
  return refuse('invalid_grant', `ReadAttributes lack what the scope ${unreadable} demands`)
}

/** Enabled, confirmed, and not signed out everywhere since the sign-in. Whole seconds: `auth_time` has no finer ones. */
export function mayReceiveTokens(userPool: Pick<UserPool, 'identityProviders'>, user: User, authTime: Date): boolean {
  const signedOutSecond = Math.floor((user.signedOutAt?.getTime() ?? 0) / 1000)
  return user.enabled && mayComeIn(userPool, user) && Math.floor(authTime.getTime() / 1000) >= signedOutSecond
}

/** A challenge that was sent binds; a verifier without a challenge is a downgrade (threat row C4). */
function checkCodeVerifier(code: AuthorizationCode, verifier: string | undefined): string | undefined {
  if (code.codeChallenge === undefined)
    return verifier === undefined ? undefined : 'code_verifier without code_challenge'
  if (verifier === undefined || !/^[A-Za-z0-9._~-]{43,128}$/.test(verifier)) return 'code_verifier missing or malformed'
  const computed = createHash('sha256').update(verifier).digest('base64url')
  return constantTimeEqual(computed, code.codeChallenge) ? undefined : 'code_verifier does not match'
}

/** The grant that a code opens; it lives as long as the client's refresh tokens. */
export function grantFrom(services: DomainServices, code: AuthorizationCode, appClient: AppClient, at: Date): Grant {
  return {
    id: services.random.uuid(),
    userPoolId: code.userPoolId,
    clientId: code.clientId,
    userSub: code.userSub,
    scope: code.scope,
    ...(code.resource === undefined ? {} : { resource: code.resource }),
    authTime: code.authTime,
    amr: code.amr,
    ...(code.acr === undefined ? {} : { acr: code.acr }),
    eventId: services.random.uuid(),
    ...(code.sessionUid === undefined ? {} : { sessionUid: code.sessionUid }),
    createdAt: at,
    expiresAt: addSeconds(at, appClient.refreshTokenSeconds),
  }
}

type Refusal = Extract<GrantOutcome, { kind: 'refused' }>

const refuse = (error: Refusal['error'], detail: string): Refusal => ({
  kind: 'refused',
  error,
  detail,
})
