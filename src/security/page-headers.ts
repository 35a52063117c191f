/** RFC 6797: a year of https only, for this host alone. */
export const strictTransportSecurity = 'max-age=31536000'

/**
 * What every answer carries unless it says otherwise. One that is no page (JSON, a text, a redirect, a refusal) is opened
 * by browsers all the same: it must run nothing, stand in no frame and stay in no cache (threat row E12). Of a redirect
 * browsers ignore all that is about frames: a sign-in without a page goes through a hidden one.
 */
export const answerHeaders = (secure: boolean): Readonly<Record<string, string>> => ({
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
  'X-Frame-Options': 'DENY',
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cache-Control': 'no-store',
  ...(secure ? { 'Strict-Transport-Security': strictTransportSecurity } : {}),
})

/**
 * Headers of every page that a person types into: no framing, no caching, no script or style but our own.
 * `form-action` must name where a form's answer may redirect to, since browsers check redirects after a POST as well:
 * the relying party's origin, or its custom scheme.
 */
export function pageHeaders(options: {
  nonce: string
  secure: boolean
  formTargets?: readonly string[]
  /** The page's form posts to the targets themselves, and to nothing of ours. */
  onlyTarget?: boolean
  /** Origins of images beside our own: the configured logo's. */
  imageSources?: readonly string[]
  /** An app may have opened it in a window of its own, and waits there for the answer. */
  mayHaveOpener?: boolean
}): Record<string, string> {
  const targets = options.formTargets ?? []
  const formAction = (options.onlyTarget === true && targets.length > 0 ? targets : ["'self'", ...targets]).join(' ')
  return {
    'Content-Security-Policy': [
      "default-src 'none'",
      "style-src 'self'",
      `script-src 'nonce-${options.nonce}'`,
      `img-src ${["'self'", 'data:', ...(options.imageSources ?? [])].join(' ')}`,
      "font-src 'self'",
      "connect-src 'self'",
      "frame-src 'self'",
      `form-action ${formAction}`,
      "frame-ancestors 'none'",
      "base-uri 'none'",
    ].join('; '),
    'Cache-Control': 'no-store',
    'X-Frame-Options': 'DENY',
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'no-referrer',
    'Cross-Origin-Opener-Policy': options.mayHaveOpener === true ? 'unsafe-none' : 'same-origin',
    'Cross-Origin-Resource-Policy': 'same-origin',
    'Permissions-Policy': 'camera=(), microphone=(), geolocation=(), payment=()',
    ...(options.secure ? { 'Strict-Transport-Security': strictTransportSecurity } : {}),
  }
}

/**
 * What `form-action` takes for a redirect URI: its origin, or its scheme alone when that is an app's own. The URI is a
 * registered one; anything that could end the directive is refused all the same.
 */
export function formTarget(redirectUri: string): string | undefined {
  if (!URL.canParse(redirectUri)) return undefined
  const url = new URL(redirectUri)
  // The policy's grammar has no IPv6 address: browsers would ignore one, and block the form.
  const target = url.origin === 'null' || url.hostname.startsWith('[') ? url.protocol : url.origin
  return /^[\w.:[\]/+-]+$/.test(target) ? target : undefined
}
