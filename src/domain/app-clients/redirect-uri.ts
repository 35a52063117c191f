const loopbackHosts = new Set(['localhost', '127.0.0.1', '[::1]'])

/** Schemes that a browser would run or open from disk (threat row C12). */
const forbiddenSchemes = new Set([
  'javascript:',
  'vbscript:',
  'data:',
  'blob:',
  'file:',
  'about:',
  'ws:',
  'wss:',
  'ftp:',
])

/** Parameters of our own answer that a registered URI may not carry (threat row C2). */
const answerParameters = ['code', 'state', 'error', 'error_description', 'iss', 'id_token', 'access_token']

/**
 * What is wrong with a URI that somebody wants to register (Cognito: CallbackURLs, LogoutURLs), or undefined.
 * https, http on a loopback host only, or an app's own scheme; no fragment, no credentials, no wildcard.
 */
export function redirectUriProblem(uri: string): string | undefined {
  if (uri.length > 1024) return 'must not be longer than 1,024 characters'
  if (/[\s\\*<>"{}|^`\p{Cc}]/u.test(uri)) return 'must not hold blanks, backslashes, wildcards or control characters'
  const url = URL.parse(uri)
  // `https:/host` and `https:host` are paths of the page that they stand on, unless that is plain http.
  const isRelative = url !== null && /^https?:$/.test(url.protocol) && !/^https?:\/\/[^/]/i.test(uri)
  if (url === null || isRelative) return 'must be an absolute URL such as https://app.example.com/callback'
  if (uri.includes('#')) return 'must not have a fragment (#…)'
  if (forbiddenSchemes.has(url.protocol)) return `must not use the scheme ${url.protocol}`
  if (url.username !== '' || url.password !== '') return 'must not carry a user name or password'
  if (url.protocol === 'http:' && !loopbackHosts.has(url.hostname)) {
    return 'must use https (plain http is for localhost, 127.0.0.1 and [::1])'
  }
  const taken = answerParameters.find((name) => url.searchParams.has(name))
  return taken === undefined ? undefined : `must not carry the parameter "${taken}", which the answer uses`
}

/** Registered or not: the exact string, nothing else (RFC 9700 §2.1; threat row C1). */
export const isRegisteredUri = (registered: readonly string[], uri: string): boolean => registered.includes(uri)
