import { z } from 'zod'
import type { AppClient } from '../app-clients/app-client.ts'
import { regionOf } from '../user-pools/region.ts'
import type { UserPool } from '../user-pools/user-pool.ts'
import type { User } from '../users/user.ts'
import { callerContext, userAttributes } from './envelope.ts'
import { fireTrigger } from './fire-trigger.ts'
import type { TriggerEvent, TriggerServices } from './fire-trigger.ts'
import type { TriggerName } from './trigger-target.ts'

/* Triggers on the way to an account and into it (reference: triggers §4–§7). None costs anything where a pool has none. */

export interface TriggerWhere {
  userPool: UserPool
  /** Absent: an operator does it. */
  appClient?: Pick<AppClient, 'id'> | undefined
  languages?: readonly string[]
}

type EventParts = Pick<TriggerEvent, 'triggerSource' | 'userName' | 'request' | 'response'>

const eventOf = (
  { caller }: Pick<TriggerServices, 'caller'>,
  { userPool, appClient, languages }: TriggerWhere,
  { triggerSource, userName, request, response }: EventParts,
): TriggerEvent => ({
  version: '1',
  region: regionOf(userPool),
  userPoolId: userPool.id,
  userName,
  callerContext: callerContext(caller, appClient, languages),
  triggerSource,
  request,
  response,
})

const flag = z
  .boolean()
  .nullish()
  .transform((value) => value === true)

const preSignUpResponse = z.object({ autoConfirmUser: flag, autoVerifyEmail: flag, autoVerifyPhone: flag })

export type PreSignUpAnswer = z.output<typeof preSignUpResponse>

/** @throws TriggerFailure where the sign-up is not to be */
export async function preSignUp(
  services: TriggerServices,
  where: TriggerWhere,
  newcomer: { username: string; attributes: Readonly<Record<string, string>> },
  source: 'SignUp' | 'AdminCreateUser' | 'ExternalProvider' = 'SignUp',
): Promise<PreSignUpAnswer> {
  const answer = await fireTrigger(
    services,
    where.userPool,
    'PreSignUp',
    eventOf(services, where, {
      triggerSource: `PreSignUp_${source}`,
      userName: newcomer.username,
      request: { userAttributes: newcomer.attributes, validationData: null },
      response: { autoConfirmUser: false, autoVerifyEmail: false, autoVerifyPhone: false },
    }),
    preSignUpResponse,
  )
  return answer ?? { autoConfirmUser: false, autoVerifyEmail: false, autoVerifyPhone: false }
}

/** Whatever the answer says, nothing of it is read. */
const anything = z.object({}).nullish()

const tell = async (
  services: TriggerServices,
  where: TriggerWhere,
  name: TriggerName,
  parts: Omit<EventParts, 'response'>,
): Promise<void> => {
  await fireTrigger(services, where.userPool, name, eventOf(services, where, { ...parts, response: {} }), anything)
}

/** After the change: it stands, whatever comes of this. @throws TriggerFailure */
export const postConfirmation = (
  services: TriggerServices,
  where: TriggerWhere,
  source: 'ConfirmSignUp' | 'ConfirmForgotPassword',
  user: User,
): Promise<void> =>
  tell(services, where, 'PostConfirmation', {
    triggerSource: `PostConfirmation_${source}`,
    userName: user.username,
    request: { userAttributes: userAttributes(user) },
  })

/**
 * Before anything that was typed is looked at; of nobody as well, where the client does not tell who is there (threat row B13).
 * @param typed the name that nobody has
 * @throws TriggerFailure where nobody is to be let in
 */
export const preAuthentication = async (
  services: TriggerServices,
  where: TriggerWhere & { appClient: AppClient },
  user: User | undefined,
  typed: string,
): Promise<void> => {
  if (user === undefined && !where.appClient.preventUserExistenceErrors) return
  await tell(services, where, 'PreAuthentication', {
    triggerSource: 'PreAuthentication_Authentication',
    userName: user?.username ?? typed,
    request:
      user === undefined
        ? { userAttributes: {}, validationData: null, userNotFound: true }
        : { userAttributes: userAttributes(user), validationData: null },
  })
}

/** With all that a sign-in takes, before it is one. @throws TriggerFailure */
export const postAuthentication = (
  services: TriggerServices,
  where: TriggerWhere,
  user: User,
  newDeviceUsed: boolean,
): Promise<void> =>
  tell(services, where, 'PostAuthentication', {
    triggerSource: 'PostAuthentication_Authentication',
    userName: user.username,
    request: { userAttributes: userAttributes(user), newDeviceUsed },
  })
