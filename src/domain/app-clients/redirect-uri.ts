const loopbackHosts = new Set(['localhost', '127.0.0.1', '[::1]'])

/** Schemes that a browser would run, open from disk or hand to another program with what follows (threat row C12). */
const forbiddenSchemes = new Set([
  ...['javascript:', 'vbscript:', 'jscript:', 'livescript:', 'mocha:'],
  ...['data:', 'blob:', 'file:', 'filesystem:', 'about:', 'view-source:', 'jar:', 'feed:', 'resource:', 'chrome:'],
  ...['ws:', 'wss:', 'ftp:', 'mailto:', 'tel:', 'sms:', 'intent:'],
])

/**
 * Parameters of an answer (RFC 6749 §4.1.2, §4.2.2, RFC 9207, OpenID Connect) that a registered URI may not carry: the app
 * could read the one that was there before (threat row C2).
 */
const answerParameters: ReadonlySet<string> = new Set([
  ...['code', 'state', 'iss', 'error', 'error_description', 'error_uri', 'response', 'session_state'],
  ...['id_token', 'access_token', 'refresh_token', 'token_type', 'expires_in', 'scope'],
])

/**
 * What is wrong with a URI that somebody wants to register (Cognito: CallbackURLs, LogoutURLs), or undefined.
 * https, http on a loopback host only, or an app's own scheme; no fragment, no credentials, no wildcard.
 */
export function redirectUriProblem(uri: string): string | undefined {
  if (uri.length > 1024) return 'must not be longer than 1,024 characters'
  if (/[\s\\*<>"{}|^`\p{Cc}]/u.test(uri)) return 'must not hold blanks, backslashes, wildcards or control characters'
  // As a header it would be another one, or none; a host name that only looks like the app's is one more reason.
  if (/[^\x21-\x7e]/.test(uri)) return 'must be ASCII: write other letters percent-encoded, and a host as xn--…'
  const url = URL.parse(uri)
  // `https:/host` and `https:host` are paths of the page that they stand on, unless that is plain http.
  const isRelative = url !== null && /^https?:$/.test(url.protocol) && !/^https?:\/\/[^/]/i.test(uri)
  if (url === null || isRelative) return 'must be an absolute URL such as https://app.example.com/callback'
  if (uri.includes('#')) return 'must not have a fragment (#…)'
  if (uri === accountUri) return 'is the address of the account page, and no app’s'
  if (forbiddenSchemes.has(url.protocol)) return `must not use the scheme ${url.protocol}`
  // Also an empty one, which a parser drops: what stands before `@` is what people read as the host.
  if (/^[^/]+\/\/[^/?]*@/.test(uri)) return 'must not carry a user name or password'
  if (url.protocol === 'http:' && !loopbackHosts.has(url.hostname)) {
    return 'must use https (plain http is for localhost, 127.0.0.1 and [::1])'
  }
  const taken = parameterNames(url.search).find((name) => answerParameters.has(name))
  return taken === undefined ? undefined : `must not carry the parameter "${taken}", which the answer uses`
}

/**
 * The names in a query, as any framework might read them: without regard to case, with `;` between them, `code[]` or
 * `code[x]` as a list, and as PHP does with blanks before and dots for underscores.
 */
const parameterNames = (query: string): readonly string[] =>
  [...new URLSearchParams(query.replaceAll(';', '&')).keys()].map((name) =>
    name.toLowerCase().trim().replace(/\[.*$/s, '').replaceAll(/[. ]/g, '_'),
  )

/**
 * Where an authorization request leads that only signs somebody in to the pages of their account. No client can register
 * it, and the answer has no code: nobody but this server is told anything.
 */
export const accountUri = 'urn:latchkey:account'

/** Whether an answer may lead there: to a registered URI of the client's, or to the person's account. */
export const isAnswerUri = (registered: readonly string[], uri: string): boolean =>
  uri === accountUri || isRegisteredUri(registered, uri)

/** Registered or not: the exact string, nothing else (RFC 9700 §2.1; threat row C1). */
export const isRegisteredUri = (registered: readonly string[], uri: string): boolean => registered.includes(uri)
