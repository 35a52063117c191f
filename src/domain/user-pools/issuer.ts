import type { UserPoolRecord } from '../ports/store.ts'

/**
 * A pool's issuer is permanent, since every verifier has it written down (design decision 5): set explicitly, or
 * `PUBLIC_URL/<Id>`. One made on localhost follows PUBLIC_URL until that is first something else, then it is fixed.
 */
export function chooseIssuer(request: {
  id: string
  existing: Pick<UserPoolRecord, 'issuer' | 'issuerFollowsPublicUrl' | 'name'> | undefined
  configured: string | undefined
  publicUrl: string
}): { issuer: string; followsPublicUrl: boolean; warnings: readonly string[] } {
  const { id, existing, configured, publicUrl } = request
  const derived = `${publicUrl}/${id}`
  const onLocalhost = isLocalhost(publicUrl)
  if (existing === undefined) {
    return { issuer: configured ?? derived, followsPublicUrl: configured === undefined && onLocalhost, warnings: [] }
  }
  if (existing.issuerFollowsPublicUrl) {
    return { issuer: configured ?? derived, followsPublicUrl: configured === undefined && onLocalhost, warnings: [] }
  }
  const wanted = configured ?? derived
  const warnings =
    wanted === existing.issuer
      ? []
      : [
          `user pool ${id} keeps its issuer ${existing.issuer}, though ${configured === undefined ? 'PUBLIC_URL' : 'the configuration'} ` +
            `would make it ${wanted}. Tokens and every application that verifies them depend on it. If you really mean to ` +
            `change it: latchkey pool set-issuer ${id} ${wanted}`,
        ]
  return { issuer: existing.issuer, followsPublicUrl: false, warnings }
}

function isLocalhost(url: string): boolean {
  const { hostname } = new URL(url)
  return hostname === 'localhost' || hostname.endsWith('.localhost') || hostname === '127.0.0.1' || hostname === '[::1]'
}
