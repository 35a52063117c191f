import { onRecord } from '../audit/record.ts'
import type { DomainServices } from '../ports/services.ts'
import type { Repositories } from '../ports/store.ts'
import { signOutTime } from '../sign-in/sign-in-time.ts'

/**
 * Signs everybody of a user pool out everywhere: browsers, and the families of refresh tokens with their access tokens
 * (which verifiers that do not ask take until they expire).
 * @returns how many of either ended
 */
export function signOutUserPool(
  services: DomainServices,
  userPoolId: string,
): Promise<{ sessions: number; grants: number }> {
  const work = async (tx: Repositories): Promise<{ sessions: number; grants: number }> => {
    const at = services.clock.now()
    // First, so that a sign-in which is under way waits, and finds itself older than the sign-out.
    await tx.users.signOutAll(userPoolId, signOutTime({}, at))
    const sessions = await tx.browserSessions.deleteAll(userPoolId)
    await tx.knownBrowsers.forgetAll(userPoolId)
    await tx.devices.forgetAll(userPoolId)
    return { sessions, grants: await tx.grants.revokeAll(userPoolId, at) }
  }
  return onRecord(services, work, (detail) => ({ userPoolId, eventType: 'UserPoolSignOut', detail }))
}
