/** Why a command did nothing; each has an exit status of its own. */
export type FailureReason =
  /** It could not be done as things are: configuration, state of the database. */
  | 'failed'
  /** It was not understood. */
  | 'usage'
  | 'notFound'
  /** A rule forbids it: a policy, a name that is taken, a state that does not fit. */
  | 'refused'
  /** What is needed for it is in use or does not answer. */
  | 'unreachable'

/** A failure that is the operator's to mend. Its message is for people, and holds no secret. */
export class CommandFailure extends Error {
  override readonly name = 'CommandFailure'
  readonly reason: FailureReason

  constructor(reason: FailureReason, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.reason = reason
  }
}
