import { createHmac } from 'node:crypto'
import { z } from 'zod'
import type { TriggerAnswer } from '../domain/ports/trigger-runner.ts'
import { triggerSecretPurpose } from '../domain/triggers/trigger-target.ts'
import type { TriggerTarget } from '../domain/triggers/trigger-target.ts'
import type { SealedBox } from '../security/sealed-box.ts'
import { guardedPost } from '../platform/http/guarded-request.ts'
import { noAnswer } from './http-answer.ts'
import { signedHeaders } from './signed-headers.ts'

/*
 * UserMigration against a user pool of Cognito, ready-made: the password is tried there as its owner would (InitiateAuth with
 * USER_PASSWORD_AUTH, which its app client has to allow), and the profile comes over. Nothing is changed there.
 */

type Target = Extract<TriggerTarget, { kind: 'cognito' }>

const migrationEvent = z.object({
  triggerSource: z.string(),
  userName: z.string(),
  request: z.object({ password: z.string().default('') }),
})

const attributes = z.array(z.object({ Name: z.string(), Value: z.string().default('') }))
const initiated = z.object({
  AuthenticationResult: z.object({ AccessToken: z.string() }).optional(),
  ChallengeName: z.string().optional(),
})
const user = z.object({ Username: z.string(), UserAttributes: attributes })
const failure = z.object({ __type: z.string() })

/** What Cognito says of a user who is not there, or a password that is not theirs. */
const nobody = ['NotAuthorizedException', 'UserNotFoundException', 'UserNotConfirmedException']

/** An answer of Cognito's that has brought nothing; `again`: it may the next time. */
class PoolError extends Error {
  override name = 'PoolError'
  readonly type: string

  constructor(type: string) {
    super(`the user pool answered ${type}`)
    this.type = type
  }
}

export async function askCognitoPool(
  { sealedBox }: { sealedBox: SealedBox },
  target: Target,
  invocation: { event: object },
  signal: AbortSignal,
): Promise<TriggerAnswer> {
  const event = migrationEvent.parse(invocation.event)
  const call = caller(sealedBox, target, signal)
  try {
    const response =
      event.triggerSource === 'UserMigration_Authentication'
        ? await bySigningIn(sealedBox, target, call, event)
        : await byName(target, call, event.userName)
    return { kind: 'answered', event: { ...event, response } }
  } catch (error) {
    if (!(error instanceof PoolError)) return noAnswer(error, signal)
    if (nobody.includes(error.type))
      return { kind: 'answered', event: { ...event, response: { userAttributes: null } } }
    return { kind: 'failed', problem: error.message, again: false }
  }
}

type Call = (operation: string, input: object, signed?: boolean) => Promise<unknown>

/** @throws PoolError */
const caller =
  (sealedBox: SealedBox, { url, allowPrivateAddresses, credentials }: Target, signal: AbortSignal): Call =>
  async (operation, input, signed = false) => {
    const body = JSON.stringify(input)
    const plain = {
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': `AWSCognitoIdentityProviderService.${operation}`,
    }
    const request = { url, headers: plain, body }
    const headers =
      signed && credentials !== undefined ? await signedHeaders(sealedBox, credentials, 'cognito-idp', request) : plain
    const answer = await guardedPost({ url, headers, body }, { allowPrivateAddresses, signal })
    if (answer.status === 200) return JSON.parse(answer.body) as unknown
    const told = failure.safeParse(JSON.parse(answer.body === '' ? '{}' : answer.body))
    // With or without its namespace.
    throw new PoolError(told.success ? (told.data.__type.split('#').at(-1) ?? '') : String(answer.status))
  }

/** The password is right, and whatever else is asked for there is asked for here anew. */
async function bySigningIn(
  sealedBox: SealedBox,
  target: Target,
  call: Call,
  { userName, request }: z.output<typeof migrationEvent>,
): Promise<object> {
  const { clientId, sealedClientSecret } = target
  const hash = (secret: string): string =>
    createHmac('sha256', secret)
      .update(userName + clientId)
      .digest('base64')
  const AuthParameters = {
    USERNAME: userName,
    PASSWORD: request.password,
    ...(sealedClientSecret === undefined
      ? {}
      : { SECRET_HASH: hash(sealedBox.open(sealedClientSecret, triggerSecretPurpose)) }),
  }
  try {
    const answer = initiated.parse(
      await call('InitiateAuth', { AuthFlow: 'USER_PASSWORD_AUTH', ClientId: clientId, AuthParameters }),
    )
    const { AccessToken } = answer.AuthenticationResult ?? {}
    if (AccessToken !== undefined) return profile(await call('GetUser', { AccessToken }), 'CONFIRMED')
    // A temporary password is nobody's own; behind any other challenge the password is.
    const status = answer.ChallengeName === 'NEW_PASSWORD_REQUIRED' ? 'RESET_REQUIRED' : 'CONFIRMED'
    return await byName(target, call, userName, status)
  } catch (error) {
    if (!(error instanceof PoolError) || error.type !== 'PasswordResetRequiredException') throw error
    return byName(target, call, userName)
  }
}

/** By the operator's own credentials, where there are any. */
async function byName(
  { userPoolId, credentials }: Target,
  call: Call,
  userName: string,
  status: 'CONFIRMED' | 'RESET_REQUIRED' = 'RESET_REQUIRED',
): Promise<object> {
  if (credentials === undefined) return { userAttributes: null }
  return profile(await call('AdminGetUser', { UserPoolId: userPoolId, Username: userName }, true), status)
}

function profile(answer: unknown, finalUserStatus: string): object {
  // GetUser and AdminGetUser have the same members.
  const { Username, UserAttributes } = user.parse(answer)
  const userAttributes = Object.fromEntries(UserAttributes.map(({ Name, Value }) => [Name, Value]))
  return { userAttributes: { ...userAttributes, username: Username }, finalUserStatus, messageAction: 'SUPPRESS' }
}
