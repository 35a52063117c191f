/** Cognito's endpoint paths (design decision 6). */
export const endpointPaths = {
  authorize: '/oauth2/authorize',
  token: '/oauth2/token',
  userInfo: '/oauth2/userInfo',
  revoke: '/oauth2/revoke',
  logout: '/logout',
  discovery: '/.well-known/openid-configuration',
  jwks: '/.well-known/jwks.json',
} as const

/** As the routers match it: without regard to case or to a slash at the end. */
export const isTokenEndpoint = (path: string): boolean => path.replace(/\/$/, '').toLowerCase() === endpointPaths.token

/** Answered to programs, in JSON: all that is below /oauth2 but what people reach, the authorization endpoint and where providers send them. */
export const isJsonEndpoint = (path: string): boolean => /^\/oauth2\/(?!authorize|idpresponse)/i.test(path)
