import { onRecord } from '../audit/record.ts'
import type { DomainServices } from '../ports/services.ts'

/**
 * Signs out of one browser. False: it was not signed in any more.
 * @param session.reason why, when nobody asked for it
 */
export function endBrowserSession(
  services: DomainServices,
  session: { userPoolId: string; idHash: string; reason?: 'anotherUser' },
): Promise<boolean> {
  const { userPoolId, idHash, reason } = session
  return onRecord(
    services,
    (tx) => tx.browserSessions.end(userPoolId, idHash),
    (ended) =>
      ended && {
        userPoolId,
        eventType: 'SignOut',
        ...ended,
        ...(reason === undefined ? {} : { detail: { reason } }),
      },
  ).then((ended) => ended !== undefined)
}
