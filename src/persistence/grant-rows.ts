import type { Grant } from '../domain/tokens/grant.ts'

export const grantColumns = [
  'grants.id',
  'grants.user_pool_id as userPoolId',
  'grants.client_id as clientId',
  'grants.user_sub as userSub',
  'grants.scope',
  'grants.resource',
  'grants.auth_time as authTime',
  'grants.amr',
  'grants.acr',
  'grants.event_id as eventId',
  'grants.session_uid as sessionUid',
  'grants.created_at as createdAt',
  'grants.expires_at as expiresAt',
  'grants.revoked_at as revokedAt',
] as const

export const grantRow = (grant: Grant) => ({
  user_pool_id: grant.userPoolId,
  id: grant.id,
  client_id: grant.clientId,
  user_sub: grant.userSub,
  scope: grant.scope,
  resource: grant.resource ?? null,
  auth_time: grant.authTime,
  amr: grant.amr,
  acr: grant.acr ?? null,
  event_id: grant.eventId,
  session_uid: grant.sessionUid ?? null,
  created_at: grant.createdAt,
  expires_at: grant.expiresAt,
  revoked_at: grant.revokedAt ?? null,
})
