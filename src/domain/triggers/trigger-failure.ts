import type { TriggerName } from './trigger-target.ts'

/**
 * A trigger that has kept something from being done. It is thrown, since it can happen wherever one is fired, and ends whatever
 * was going on; front doors say so in their own way.
 */
export class TriggerFailure extends Error {
  override name = 'TriggerFailure'
  readonly trigger: TriggerName
  /** `denied`: it has thrown, and `told` are its words; `failed`: no answer; `invalid`: an answer that says nothing. */
  readonly kind: 'denied' | 'failed' | 'invalid'
  /** For the person, as it was thrown. */
  readonly told: string | undefined

  constructor(trigger: TriggerName, kind: TriggerFailure['kind'], about: string) {
    super(messages[kind](trigger, about))
    this.trigger = trigger
    this.kind = kind
    this.told = kind === 'denied' ? about : undefined
  }
}

/** Cognito's texts (UserLambdaValidationException, UnexpectedLambdaException, InvalidLambdaResponseException). */
const messages: Record<TriggerFailure['kind'], (trigger: string, about: string) => string> = {
  denied: (trigger, about) => `${trigger} failed with error ${about}.`,
  failed: (trigger, about) => `${trigger} invocation failed due to error ${about}.`,
  invalid: (_trigger, about) => `Invalid lambda function output : ${about}`,
}
