import { onRecord } from '../audit/record.ts'
import { notifyOwner } from '../notices/notify-owner.ts'
import type { DomainServices } from '../ports/services.ts'
import type { Repositories } from '../ports/store.ts'
import type { User } from '../users/user.ts'

/* Codes to print or save, each of which stands in once for a second factor that is lost. */

/** A set; a new one ends the former. */
const codesInASet = 10

/** 40 bits, which lock-out keeps from being guessed; digits alone, so that any keyboard has them. */
const digits = 12

type Services = Pick<DomainServices, 'sealedBox'>

const hashOf = ({ sealedBox }: Services, userSub: string, code: string): string =>
  sealedBox.digest(`${userSub}\n${code}`, 'recovery code')

/** As somebody typed it: blanks and hyphens count for nothing. Undefined: not a code of this kind. */
function readRecoveryCode(typed: string): string | undefined {
  const code = typed.replaceAll(/[\s-]/g, '')
  return /^\d+$/.test(code) && code.length === digits ? code : undefined
}

/** Whether what was typed can be no other kind of code. */
export const looksLikeRecoveryCode = (typed: string): boolean => readRecoveryCode(typed) !== undefined

/** A new set, in clear for the only time. */
export async function makeRecoveryCodes(services: DomainServices, user: User): Promise<readonly string[]> {
  const { userPoolId, sub } = user
  const codes = new Set<string>()
  while (codes.size < codesInASet) codes.add(services.random.digits(digits))
  const hashes = [...codes].map((code) => hashOf(services, sub, code))
  await onRecord(
    services,
    async (tx) => {
      await tx.recoveryCodes.replace(userPoolId, sub, hashes, services.clock.now())
      await notifyOwner(services, tx, user, 'recoveryCodesMade')
    },
    () => ({ userPoolId, eventType: 'RecoveryCodesCreate', userSub: sub }),
  )
  services.messagesQueued()
  return [...codes].map((code) => `${code.slice(0, digits / 2)}-${code.slice(digits / 2)}`)
}

/** Uses a code up. False: it is none of the user's, or not any more. */
export async function spendRecoveryCode(
  services: Services,
  tx: Pick<Repositories, 'recoveryCodes'>,
  user: Pick<User, 'userPoolId' | 'sub'>,
  typed: string,
): Promise<boolean> {
  const code = readRecoveryCode(typed)
  return code !== undefined && tx.recoveryCodes.spend(user.userPoolId, user.sub, hashOf(services, user.sub, code))
}
