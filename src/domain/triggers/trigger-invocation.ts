/** One time that a trigger was asked, as the operator can look at it. */
export interface TriggerInvocation {
  id: string
  userPoolId: string
  at: Date
  trigger: string
  /** `PreSignUp_SignUp` and the like. */
  source: string
  durationMs: number
  attempts: number
  /** `Pass`: it has answered; `Denied`: it has thrown; `Failed`: no answer, or one that says nothing. */
  outcome: 'Pass' | 'Denied' | 'Failed'
  /** Why not. */
  problem?: string
  clientId?: string
  /** As in the log, and on error pages. */
  requestId?: string
  /** The event as it was sent, as JSON, without what people have typed. */
  event: string
}

/** For how long invocations are kept. */
export const keptInvocationSeconds = 14 * 86_400

/** Members whose values are nobody's business later: passwords, codes, answers, and what is said of a person. */
const hidden = new Set(['password', 'code', 'link', 'destination', 'challengeAnswer'])
const hiddenWithin = new Set([
  'idToken',
  'userInfo',
  'tokenResponse',
  'userAttributes',
  'validationData',
  'clientMetadata',
  'privateChallengeParameters',
  'publicChallengeParameters',
])
const shownAttributes = new Set(['sub', 'cognito:user_status', 'email_verified', 'phone_number_verified'])

/** The event with every value hidden that a person has typed or that stands for them; the names stay. */
export function redactedEvent(event: object): object {
  return Object.fromEntries(
    Object.entries(event).map(([name, value]: [string, unknown]) => [name, redacted(name, value)]),
  )
}

function redacted(name: string, value: unknown): unknown {
  if (hidden.has(name) && value !== null) return '***'
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  if (!hiddenWithin.has(name)) return redactedEvent(value)
  return Object.fromEntries(
    Object.entries(value).map(([key, text]: [string, unknown]) => [key, shownAttributes.has(key) ? text : '***']),
  )
}
