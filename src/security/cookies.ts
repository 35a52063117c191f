/**
 * Cookie names carry a prefix that browsers enforce on https (`__Host-`: no Domain, path `/`, Secure), so that a
 * neighbouring sub-domain cannot plant them (threat row B16), and the pool's id, so that pools under one host do not
 * meet. All of it: two pools may differ in the region part alone.
 */
export type CookieKind = 'session' | 'browser' | 'known' | 'device' | 'later' | 'kept' | 'interaction' | 'resume'

export function cookieName(kind: CookieKind, userPoolId: string, secure: boolean): string {
  const base = `lk_${kind}_${userPoolId}`
  if (!secure) return base
  // The engine binds its resume cookie to a path of its own, which `__Host-` forbids.
  return kind === 'resume' ? `__Secure-${base}` : `__Host-${base}`
}

/**
 * Sets a cookie of ours on every path of this host, out of scripts' reach. Its life is told as Max-Age, not as a date: a
 * browser whose clock is wrong must not lose it (RFC 6265 §5.3).
 * @param options.maxAgeSeconds absent: until the browser is closed; 0 removes the cookie
 */
export function setCookie(
  ctx: { append(field: string, value: string): unknown },
  name: string,
  value: string,
  options: { secure: boolean; maxAgeSeconds?: number },
): void {
  const { secure, maxAgeSeconds } = options
  const life = maxAgeSeconds === undefined ? [] : [`Max-Age=${maxAgeSeconds}`]
  const attributes = ['Path=/', ...life, 'HttpOnly', 'SameSite=Lax', ...(secure ? ['Secure'] : [])]
  ctx.append('Set-Cookie', [`${name}=${value}`, ...attributes].join('; '))
}
