import { z } from 'zod'
import type { ChallengeRecord } from '../custom-auth/custom-sign-in.ts'
import { regionOf } from '../user-pools/region.ts'
import type { User } from '../users/user.ts'
import { callerContext, userAttributes } from './envelope.ts'
import { fireTrigger } from './fire-trigger.ts'
import type { TriggerServices } from './fire-trigger.ts'
import { TriggerFailure } from './trigger-failure.ts'
import type { TriggerName } from './trigger-target.ts'
import type { TriggerWhere } from './user-triggers.ts'

/* The three triggers of custom challenges (reference: triggers §11). */

/** Who signs in: a user, or the name that nobody has, of whom the triggers are asked all the same (threat row B13). */
export interface Challenged {
  user: User | undefined
  /** As typed. */
  username: string
}

type ChallengeTrigger = 'DefineAuthChallenge' | 'CreateAuthChallenge' | 'VerifyAuthChallengeResponse'

async function ask<Response>(
  services: TriggerServices,
  where: TriggerWhere,
  name: ChallengeTrigger,
  { user, username }: Challenged,
  event: { request: object; response: object },
  schema: z.ZodType<Response>,
): Promise<Response> {
  const { userPool, appClient, languages } = where
  const answer = await fireTrigger(
    services,
    userPool,
    name,
    {
      version: '1',
      triggerSource: `${name}_Authentication`,
      region: regionOf(userPool),
      userPoolId: userPool.id,
      userName: user?.username ?? username,
      callerContext: callerContext(services.caller, appClient, languages),
      request: {
        userAttributes: user === undefined ? {} : userAttributes(user),
        ...event.request,
        ...(user === undefined ? { userNotFound: true } : {}),
      },
      response: event.response,
    },
    schema,
  )
  if (answer === undefined) throw failure(name, 'the user pool has no such trigger')
  return answer
}

const failure = (name: TriggerName, problem: string): TriggerFailure => new TriggerFailure(name, 'invalid', problem)

const defined = z.object({
  challengeName: z.string().max(64).nullish(),
  issueTokens: z.boolean().nullish(),
  failAuthentication: z.boolean().nullish(),
})

/** What comes next: the end, good or bad, or another question. */
export type Defined = 'issueTokens' | 'failAuthentication' | 'PASSWORD_VERIFIER' | 'CUSTOM_CHALLENGE'

/** @throws TriggerFailure */
export async function defineAuthChallenge(
  services: TriggerServices,
  where: TriggerWhere,
  whose: Challenged,
  session: readonly ChallengeRecord[],
): Promise<Defined> {
  const name = 'DefineAuthChallenge'
  const response = { challengeName: null, issueTokens: null, failAuthentication: null }
  const answer = await ask(services, where, name, whose, { request: { session }, response }, defined)
  if (answer.failAuthentication === true) return 'failAuthentication'
  if (answer.issueTokens === true) return 'issueTokens'
  const { challengeName } = answer
  if (challengeName === 'CUSTOM_CHALLENGE') return challengeName
  // The password that was typed is at hand at the first step alone.
  const isFirst = session.length === 1 && session[0]?.challengeName === 'SRP_A'
  if (challengeName === 'PASSWORD_VERIFIER' && isFirst) return challengeName
  throw failure(name, `response.challengeName: ${challengeName ?? 'nothing'} cannot come here`)
}

const parameters = z
  .record(z.string().max(256), z.string().max(60_000))
  .nullish()
  .transform((given) => given ?? {})
  .refine((given) => JSON.stringify(given).length <= 65_536, 'is more than 64 kB')

const created = z.object({
  publicChallengeParameters: parameters,
  privateChallengeParameters: parameters,
  challengeMetadata: z.string().max(1024).nullish(),
})

export type Created = z.output<typeof created>

/** @throws TriggerFailure */
export const createAuthChallenge = (
  services: TriggerServices,
  where: TriggerWhere,
  whose: Challenged,
  session: readonly ChallengeRecord[],
): Promise<Created> =>
  ask(
    services,
    where,
    'CreateAuthChallenge',
    whose,
    {
      request: { challengeName: 'CUSTOM_CHALLENGE', session },
      response: { publicChallengeParameters: null, privateChallengeParameters: null, challengeMetadata: null },
    },
    created,
  )

const verified = z.object({ answerCorrect: z.boolean() })

/** @throws TriggerFailure */
export async function verifyAuthChallengeResponse(
  services: TriggerServices,
  where: TriggerWhere,
  whose: Challenged,
  { privateParameters, answer }: { privateParameters: Readonly<Record<string, string>>; answer: string },
): Promise<boolean> {
  const event = {
    request: { privateChallengeParameters: privateParameters, challengeAnswer: answer },
    response: { answerCorrect: null },
  }
  const { answerCorrect } = await ask(services, where, 'VerifyAuthChallengeResponse', whose, event, verified)
  return answerCorrect
}
