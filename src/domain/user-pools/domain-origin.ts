/** The origin of a domain as the configuration names it, a host or `https://host`; undefined when it is neither. */
export function domainOrigin(text: string): string | undefined {
  const url = URL.parse(/^https?:\/\//.test(text) ? text : `https://${text}`)
  if (url === null || url.pathname !== '/') return undefined
  return `${url.search}${url.username}${url.password}${url.hash}` === '' ? url.origin : undefined
}
