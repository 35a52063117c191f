import type { AppClient } from '../domain/app-clients/app-client.ts'
import type { AttemptsExceeded } from '../domain/lock-out/lock-out.ts'
import type { DomainServices } from '../domain/ports/services.ts'
import type { UserPoolSnapshot } from '../domain/user-pools/user-pool-directory.ts'

export type ClientAuthentication =
  { kind: 'done'; appClient: AppClient } | { kind: 'refused'; reason: 'invalidClient' } | AttemptsExceeded

/**
 * RFC 6749 §2.3 for the endpoints that are ours: a public client by `client_id`, a confidential one by Basic or by
 * `client_secret` in the body. The engine does the same at its token endpoint.
 */
export async function authenticateClient(
  { clientSecretGuard, caller }: Pick<DomainServices, 'clientSecretGuard' | 'caller'>,
  snapshot: UserPoolSnapshot,
  authorization: string,
  form: ReadonlyMap<string, string>,
): Promise<ClientAuthentication> {
  const credentials = authorization === '' ? bodyCredentials(form) : basicCredentials(authorization)
  if (credentials === undefined) return invalidClient
  // RFC 6749 §2.3: one way of authentication a request. An assertion is none that we take (threat row C20).
  if (authorization !== '' && form.get('client_secret')) return invalidClient
  if (form.has('client_assertion')) return invalidClient
  const named = form.get('client_id')
  if (named !== undefined && named !== credentials.clientId) return invalidClient
  const appClient = snapshot.appClients.get(credentials.clientId)
  if (appClient === undefined || (appClient.secrets.length === 0) !== (credentials.secret === undefined)) {
    return invalidClient
  }
  if (credentials.secret === undefined) return { kind: 'done', appClient }
  const checked = await clientSecretGuard.check(snapshot.userPool, appClient, credentials.secret, caller)
  if (checked.kind === 'refused') return checked
  return checked.kind === 'right' ? { kind: 'done', appClient } : invalidClient
}

const invalidClient = { kind: 'refused', reason: 'invalidClient' } as const

/** Whom a request claims to come from, whether or not it can show that. */
export function namedClient(
  { appClients }: UserPoolSnapshot,
  authorization: string,
  form: ReadonlyMap<string, string>,
): AppClient | undefined {
  const credentials = authorization === '' ? bodyCredentials(form) : basicCredentials(authorization)
  return credentials && appClients.get(credentials.clientId)
}

interface Credentials {
  clientId: string
  secret: string | undefined
}

function bodyCredentials(form: ReadonlyMap<string, string>): Credentials | undefined {
  const clientId = form.get('client_id')
  return clientId === undefined ? undefined : { clientId, secret: form.get('client_secret') || undefined }
}

/** RFC 6749 §2.3.1: both halves are form-encoded inside the Base64. */
function basicCredentials(authorization: string): Credentials | undefined {
  const match = /^basic ([A-Za-z0-9+/=]{1,1024})$/i.exec(authorization)
  if (match?.[1] === undefined) return undefined
  const text = Buffer.from(match[1], 'base64').toString('utf8')
  const colon = text.indexOf(':')
  if (colon < 1) return undefined
  try {
    const decode = (part: string): string => decodeURIComponent(part.replaceAll('+', '%20'))
    return { clientId: decode(text.slice(0, colon)), secret: decode(text.slice(colon + 1)) }
  } catch {
    return undefined
  }
}
