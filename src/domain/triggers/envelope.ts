import type { Caller } from '../../platform/http/caller.ts'
import type { AppClient } from '../app-clients/app-client.ts'
import { identitiesClaim } from '../identity-providers/identity-provider.ts'
import type { User } from '../users/user.ts'

/* The part that all events have (reference: triggers §2). */

/** Cognito's own word for a call without a client. */
const noClient = 'CLIENT_ID_NOT_APPLICABLE'

/**
 * Who asks. Beside Cognito's members what its users miss: where from, with what, and in which language.
 * @param languages best first
 */
export const callerContext = (
  caller: Caller,
  appClient: Pick<AppClient, 'id'> | undefined,
  languages: readonly string[] = [],
): Readonly<Record<string, unknown>> => ({
  awsSdkVersion: 'aws-sdk-unknown-unknown',
  clientId: appClient?.id ?? noClient,
  ...(caller.address === undefined ? {} : { sourceIp: caller.address }),
  ...(caller.userAgent === undefined ? {} : { userAgent: caller.userAgent }),
  ...(languages.length === 0 ? {} : { languages: [...new Set(languages)] }),
})

/** A user's attributes, all of them texts, with what Cognito adds. */
export const userAttributes = ({
  attributes,
  sub,
  status,
  identities = [],
}: User): Readonly<Record<string, string>> => ({
  sub,
  'cognito:user_status': status,
  ...(identities.length === 0 ? {} : { identities: JSON.stringify(identitiesClaim(identities)) }),
  ...attributes,
})
