import { errors } from 'oidc-provider'
import { TriggerFailure } from '../domain/triggers/trigger-failure.ts'

/**
 * What an app is told of a trigger that denies a grant: what it has thrown. One that did not answer denies nothing, and must not
 * make apps throw their tokens away: it is as if the server itself were busy.
 */
export async function unlessDenied<Result>(work: Promise<Result>): Promise<Result> {
  try {
    return await work
  } catch (error) {
    if (!(error instanceof TriggerFailure) || error.kind !== 'denied') throw error
    throw new errors.CustomOIDCProviderError('invalid_grant', descriptionOf(error))
  }
}

/** RFC 6749 §5.2: characters that an error_description may have. */
const descriptionOf = ({ message }: TriggerFailure): string =>
  message.replaceAll(/[^\x20-\x21\x23-\x5b\x5d-\x7e]/g, '?')
