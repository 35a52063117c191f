/**
 * Cookie names carry a prefix that browsers enforce on https (`__Host-`: no Domain, path `/`, Secure), so that a
 * neighbouring sub-domain cannot plant them (threat row B16), and the pool's id, so that pools under one host do not
 * meet. All of it: two pools may differ in the region part alone.
 */
export type CookieKind = 'session' | 'browser' | 'interaction' | 'resume'

export function cookieName(kind: CookieKind, userPoolId: string, secure: boolean): string {
  const base = `lk_${kind}_${userPoolId}`
  if (!secure) return base
  // The engine binds its resume cookie to a path of its own, which `__Host-` forbids.
  return kind === 'resume' ? `__Secure-${base}` : `__Host-${base}`
}
