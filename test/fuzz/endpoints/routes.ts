/*
 * Every route of the server. routes.test.ts holds the table against the routers, so that a new one is fuzzed from the day
 * on which it is there.
 */

export interface Route {
  method: string
  /** As the router has it. Names after a colon are values. */
  path: string
  /** Parameters that its code reads, wherever they are sent. */
  parameters: readonly string[]
}

/** What every form of a flow brings. */
const form = ['client_id', 'flow', '_csrf', 'authenticator']
const page = ['client_id', 'flow', 'lang', 'notice', 'cookie']
const authorization = [
  'client_id',
  'redirect_uri',
  'response_type',
  'response_mode',
  'scope',
  'state',
  'nonce',
  'code_challenge',
  'code_challenge_method',
  'prompt',
  'max_age',
  'latchkey_max_age',
  'login_hint',
  'lang',
  'ui_locales',
  'resource',
  'identity_provider',
  'idp_identifier',
  'acr_values',
  'display',
  'screen_hint',
  'id_token_hint',
  'claims',
  'request',
  'request_uri',
  'registration',
]
const clientAuthentication = ['client_id', 'client_secret', 'client_assertion', 'client_assertion_type']
const link = ['client_id', 'user_name', 'confirmation_code']
const resetLink = ['client_id', 'user', 'expires', 'signature']
const logout = [
  'client_id',
  'logout_uri',
  'redirect_uri',
  'response_type',
  'state',
  'scope',
  'id_token_hint',
  'post_logout_redirect_uri',
  'global_sign_out',
]

/** What the form of each page of an account sends; all of them are opened alike. */
const accountForms: Readonly<Record<string, readonly string[] | undefined>> = {
  '': undefined,
  '/profile': ['given_name', 'birthdate', 'preferred_username', 'website'],
  '/email': ['email', 'code', 'resend', 'cancel'],
  '/phone': ['phone_number', 'code', 'resend', 'cancel'],
  '/password': ['current_password', 'password'],
  '/factors': ['enable', 'disable', 'prefer', 'remove_app'],
  '/app': ['sealed', 'code'],
  '/recoveryCodes': [],
  '/passkeys': ['credential', 'id', 'name', 'remove'],
  '/identities': ['unlink'],
  '/devices': ['forget', 'all'],
  '/sessions': ['end', 'others'],
  '/apps': ['withdraw'],
  '/activity': undefined,
  '/data': [],
  '/delete': ['confirm'],
}
const accountPage = [
  'client_id',
  'lang',
  'notice',
  'answer',
  'page',
  'verify',
  'token',
  'link',
  '_csrf',
  'state',
  'code',
]
const accountRoutes: readonly Route[] = Object.entries(accountForms).flatMap(([path, fields]) => [
  { method: 'GET', path: `/account${path}`, parameters: accountPage },
  ...(fields === undefined
    ? []
    : [{ method: 'POST', path: `/account${path}`, parameters: ['client_id', '_csrf', '_keep', ...fields] }]),
])

/** Of a user pool, relative to where it is reached. */
export const tenantRoutes: readonly Route[] = [
  { method: 'GET', path: '/oauth2/authorize', parameters: authorization },
  { method: 'POST', path: '/oauth2/authorize', parameters: authorization },
  { method: 'GET', path: '/oauth2/authorize/:uid', parameters: ['client_id', 'lang'] },
  {
    method: 'POST',
    path: '/oauth2/token',
    parameters: [
      'grant_type',
      'code',
      'redirect_uri',
      'code_verifier',
      'refresh_token',
      'scope',
      'resource',
      'aws_client_metadata',
      ...clientAuthentication,
    ],
  },
  { method: 'OPTIONS', path: '/oauth2/token', parameters: [] },
  { method: 'GET', path: '/oauth2/userInfo', parameters: ['access_token'] },
  { method: 'POST', path: '/oauth2/userInfo', parameters: ['access_token'] },
  { method: 'OPTIONS', path: '/oauth2/userInfo', parameters: [] },
  { method: 'POST', path: '/oauth2/revoke', parameters: ['token', 'token_type_hint', ...clientAuthentication] },
  { method: 'OPTIONS', path: '/oauth2/revoke', parameters: [] },
  { method: 'GET', path: '/login', parameters: [...page, ...authorization] },
  { method: 'POST', path: '/login', parameters: [...form, 'username', 'password', 'rememberMe', 'cognitoAsfData'] },
  { method: 'GET', path: '/selectAccount', parameters: page },
  { method: 'POST', path: '/selectAccount', parameters: form },
  { method: 'GET', path: '/identityProvider', parameters: [...page, 'provider'] },
  { method: 'GET', path: '/oauth2/idpresponse', parameters: ['state', 'code', 'iss', 'error', 'error_description'] },
  { method: 'GET', path: '/signup', parameters: [...page, ...authorization] },
  {
    method: 'POST',
    path: '/signup',
    parameters: [...form, 'username', 'password', 'rememberMe', 'email', 'given_name'],
  },
  { method: 'GET', path: '/confirm', parameters: page },
  { method: 'POST', path: '/confirm', parameters: [...form, 'code'] },
  { method: 'POST', path: '/resendcode', parameters: form },
  { method: 'GET', path: '/consent', parameters: page },
  { method: 'POST', path: '/consent', parameters: [...form, 'answer', 'shown'] },
  { method: 'GET', path: '/confirmUser', parameters: [...link, 'choose', 'lang'] },
  { method: 'POST', path: '/confirmUser', parameters: [...link, '_csrf', 'password', 'choose'] },
  { method: 'GET', path: '/forgotPassword', parameters: [...page, ...authorization] },
  { method: 'POST', path: '/forgotPassword', parameters: [...form, 'username'] },
  { method: 'GET', path: '/resetPassword', parameters: page },
  { method: 'POST', path: '/resetPassword', parameters: [...form, 'code', 'password'] },
  { method: 'GET', path: '/resetLink', parameters: [...resetLink, 'done', 'lang'] },
  { method: 'POST', path: '/resetLink', parameters: [...resetLink, '_csrf', 'password'] },
  { method: 'GET', path: '/confirmforgotPassword', parameters: page },
  { method: 'POST', path: '/confirmforgotPassword', parameters: [...form, 'code', 'password'] },
  { method: 'GET', path: '/changePassword', parameters: page },
  { method: 'POST', path: '/changePassword', parameters: [...form, 'password', 'given_name', 'email'] },
  { method: 'GET', path: '/mfa', parameters: page },
  { method: 'POST', path: '/mfa', parameters: [...form, 'code', 'credential'] },
  { method: 'POST', path: '/requestSignInCode', parameters: [...form, 'username', 'factor'] },
  { method: 'POST', path: '/customSignIn', parameters: [...form, 'username'] },
  { method: 'GET', path: '/customChallenge', parameters: page },
  { method: 'POST', path: '/customChallenge', parameters: [...form, 'question', 'answer'] },
  { method: 'GET', path: '/signInCode', parameters: page },
  { method: 'POST', path: '/signInCode', parameters: [...form, 'code'] },
  { method: 'GET', path: '/notMe', parameters: ['client_id', 'token', 'done', 'lang'] },
  { method: 'POST', path: '/notMe', parameters: ['client_id', 'token', '_csrf'] },
  { method: 'GET', path: '/signInLink', parameters: ['client_id', 'token', 'lang'] },
  { method: 'POST', path: '/signInLink', parameters: ['client_id', 'token', '_csrf'] },
  { method: 'POST', path: '/passkeys/signIn', parameters: [...form, 'credential'] },
  { method: 'GET', path: '/passkeys/add', parameters: ['client_id', 'redirect_uri', 'lang'] },
  { method: 'POST', path: '/passkeys/add', parameters: ['client_id', 'redirect_uri', '_csrf', 'credential', 'later'] },
  { method: 'GET', path: '/passkeys/offer', parameters: page },
  { method: 'POST', path: '/passkeys/offer', parameters: [...form, 'credential', 'later'] },
  { method: 'GET', path: '/selectMfa', parameters: [...page, 'type'] },
  { method: 'POST', path: '/selectMfa', parameters: [...form, 'type'] },
  { method: 'GET', path: '/mfaSetup', parameters: [...page, 'another', 'type'] },
  { method: 'POST', path: '/mfaSetup', parameters: [...form, 'type', 'phone_number', 'code'] },
  { method: 'GET', path: '/logout', parameters: logout },
  { method: 'POST', path: '/logout', parameters: logout },
  ...accountRoutes,
  { method: 'GET', path: '/', parameters: page },
  { method: 'GET', path: '/error', parameters: ['error', 'client_id', 'lang'] },
]

/** There while developing; on the public host alone. */
export const developmentRoutes: readonly Route[] = [
  { method: 'GET', path: '/dev/mail', parameters: ['lang'] },
  { method: 'GET', path: '/dev/mail/:id', parameters: ['lang'] },
  { method: 'GET', path: '/dev/mail/:id/html', parameters: [] },
  { method: 'GET', path: '/demo', parameters: ['lang'] },
  { method: 'GET', path: '/demo/sign-in', parameters: ['app', 'prompt'] },
  { method: 'GET', path: '/demo/callback', parameters: ['code', 'state', 'iss', 'error', 'error_description'] },
  { method: 'POST', path: '/demo/refresh', parameters: ['_csrf'] },
  { method: 'POST', path: '/demo/sign-out', parameters: ['_csrf'] },
]

/** Answered before the framework; `:issuer` is the path of one. */
export const preparedRoutes: readonly Route[] = [
  { method: 'GET', path: '/healthz', parameters: [] },
  { method: 'GET', path: '/readyz', parameters: [] },
  { method: 'GET', path: '/assets/:asset', parameters: [] },
  { method: 'GET', path: '/:issuer/.well-known/openid-configuration', parameters: [] },
  { method: 'GET', path: '/:issuer/.well-known/jwks.json', parameters: [] },
  { method: 'GET', path: '/.well-known/oauth-authorization-server/:issuer', parameters: [] },
]
