import type { TriggerName, TriggerTarget } from '../triggers/trigger-target.ts'

/** What has become of one attempt to ask a trigger. */
export type TriggerAnswer =
  | { kind: 'answered'; event: unknown }
  /** It has thrown: its words are for the person. */
  | { kind: 'threw'; message: string }
  /** No answer has come; `again`: another attempt may bring one. `problem` is for the log. */
  | { kind: 'failed'; problem: string; again: boolean }

/** Asks the function, program or server behind a trigger. Not inside a transaction: it may take as long as it may. */
export interface TriggerRunner {
  /** @param invocation the same at every attempt, so that whoever answers can tell */
  run(
    target: TriggerTarget,
    invocation: { id: string; name: TriggerName; event: object },
    signal: AbortSignal,
  ): Promise<TriggerAnswer>
  /**
   * A code as Cognito hands it to custom senders: a message of the AWS Encryption SDK, in base64, for whoever holds the private half.
   * @param publicKey PEM, RSA
   */
  encrypt(publicKey: string, text: string, context: Readonly<Record<string, string>>): Promise<string>
}
