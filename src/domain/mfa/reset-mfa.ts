import { onRecord } from '../audit/record.ts'
import type { DomainServices } from '../ports/services.ts'
import type { User } from '../users/user.ts'

/**
 * The operator's way out for somebody who has lost their factors (Cognito: AdminDeleteSoftwareToken and
 * AdminSetUserMFAPreference): all of them go, passkeys too, and where the pool insists on one the next sign-in leads to its set-up.
 */
export const resetMfa = (services: DomainServices, user: User): Promise<void> =>
  onRecord(
    services,
    async (tx) => {
      await tx.softwareTokens.deleteOfUser(user.userPoolId, user.sub)
      await tx.recoveryCodes.replace(user.userPoolId, user.sub, [], services.clock.now())
      await tx.passkeys.deleteOfUser(user.userPoolId, user.sub)
      await tx.devices.forgetOfUser(user.userPoolId, user.sub)
      const change = { mfaTypes: [], preferredMfa: null, hasPasskeys: false }
      await tx.users.update(user.userPoolId, user.sub, change, services.clock.now())
    },
    () => ({
      userPoolId: user.userPoolId,
      eventType: 'MfaReset',
      userSub: user.sub,
      detail: { types: user.mfaTypes ?? [], ...(user.hasPasskeys === true ? { passkeys: true } : {}) },
    }),
  )
