import { onRecord } from '../audit/record.ts'
import type { DomainServices } from '../ports/services.ts'

/* What a person ends of their own sign-ins, from the page of their account. */

interface OwnSession {
  userPoolId: string
  userSub: string
  /** Of a browser session. */
  uid: string
}

/** Signs out of one browser, and ends the refresh tokens that apps got through it. False: it was not signed in any more. */
export function endOwnSession(services: DomainServices, { userPoolId, userSub, uid }: OwnSession): Promise<boolean> {
  return onRecord(
    services,
    async (tx) => {
      const grants = await tx.grants.revokeOfSession(userPoolId, userSub, uid, services.clock.now())
      return (await tx.browserSessions.endOfUser(userPoolId, userSub, uid)) ? { grants } : undefined
    },
    (detail) => detail && { userPoolId, eventType: 'SignOut', userSub, detail },
  ).then((ended) => ended !== undefined)
}

/**
 * Signs out of everything but this browser and the apps that were reached through it. Access tokens of the others last
 * until they expire, but userInfo refuses them at once.
 */
export async function endOtherSessions(
  services: DomainServices,
  { userPoolId, userSub, uid }: OwnSession,
): Promise<void> {
  await onRecord(
    services,
    async (tx) => {
      const sessions = await tx.browserSessions.deleteOfUser(userPoolId, userSub, uid)
      return { sessions, grants: await tx.grants.revokeOfUser(userPoolId, userSub, services.clock.now(), uid) }
    },
    (detail) => ({ userPoolId, eventType: 'GlobalSignOut', userSub, detail: { ...detail, others: true } }),
  )
}
