import { enqueueMessage } from '../messages/enqueue-message.ts'
import type { DomainServices } from '../ports/services.ts'
import type { Repositories } from '../ports/store.ts'
import type { UserPool } from '../user-pools/user-pool.ts'
import { nameToSignInWith } from './sign-in-name.ts'
import type { User } from './user.ts'

/** Where an invitation goes: Cognito's DesiredDeliveryMediums, the mailbox before the phone. */
export const invitedAt = ({
  attributes,
}: Pick<User, 'attributes'>): { medium: 'EMAIL' | 'SMS'; recipient: string } | undefined => {
  const { email, phone_number: phone } = attributes
  if (email !== undefined) return { medium: 'EMAIL', recipient: email }
  return phone === undefined ? undefined : { medium: 'SMS', recipient: phone }
}

/** Queues the message with a new user's temporary password, within the transaction that makes the user. */
export async function inviteUser(
  services: Pick<DomainServices, 'sealedBox' | 'random' | 'caller' | 'clock'>,
  tx: Pick<Repositories, 'outbox'>,
  userPool: UserPool,
  user: User,
  password: string | undefined,
): Promise<void> {
  const where = invitedAt(user)
  if (where === undefined || password === undefined) return
  const { locale } = user.attributes
  const message = {
    kind: 'invitation',
    userPoolId: userPool.id,
    ...where,
    languages: locale === undefined ? [] : [locale.replaceAll('_', '-')],
    username: nameToSignInWith(userPool, user),
    code: password,
    validForMinutes: userPool.passwordPolicy.temporaryPasswordValidityDays * 1440,
    trigger: { source: 'AdminCreateUser', userSub: user.sub },
  } as const
  await enqueueMessage(services, tx, message, services.clock.now())
}
