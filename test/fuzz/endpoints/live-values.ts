import { codeChallenge } from './sign-ins.ts'

/*
 * What a request must hold to get anywhere: the ids, tokens and codes of a sign-in that is under way. A request names them
 * as `«flow»`, so that a counter-example says what was sent, and the value is put in when it is sent.
 */

const liveNames = [
  'client_id',
  'client_secret',
  'redirect_uri',
  'logout_uri',
  'flow',
  '_csrf',
  'uid',
  'username',
  'password',
  'new password',
  'code',
  'code_verifier',
  'refresh_token',
  'access_token',
  'id_token',
  'user_name',
  'confirmation_code',
  'link csrf',
  'session',
  'browser',
  'pool',
] as const
type LiveName = (typeof liveNames)[number]
export type LiveValues = Readonly<Record<LiveName, string>>

/** How a request names a live value; `part` leaves off its end. */
export const live = (name: LiveName, part = false): string => `«${name}${part ? '…' : ''}»`

/** Values that suit a parameter, by its name. */
export const suitable: Readonly<Record<string, readonly string[]>> = {
  client_id: [live('client_id'), 'web', 'shop', 'partner', 'page', 'machine'],
  client_secret: [live('client_secret')],
  redirect_uri: [live('redirect_uri')],
  logout_uri: [live('logout_uri')],
  post_logout_redirect_uri: [live('logout_uri')],
  flow: [live('flow')],
  _csrf: [live('_csrf'), live('link csrf')],
  username: [live('username'), 'new-user@example.com', 'nobody@example.com'],
  password: [live('password'), live('new password'), 'x'],
  email: ['new-user@example.com'],
  code: [live('code'), '000000', ' 000-000 '],
  code_verifier: [live('code_verifier')],
  refresh_token: [live('refresh_token'), live('refresh_token', true)],
  token: [live('refresh_token'), live('access_token')],
  access_token: [live('access_token')],
  id_token_hint: [live('id_token'), live('access_token'), live('id_token', true)],
  user_name: [live('user_name')],
  confirmation_code: [live('confirmation_code'), live('confirmation_code', true)],
  grant_type: ['authorization_code', 'refresh_token', 'client_credentials', 'password', 'implicit'],
  response_type: ['code', 'token', 'id_token', 'code token'],
  response_mode: ['query', 'fragment', 'form_post', 'web_message', 'jwt'],
  scope: ['openid', 'openid email', 'api/read', 'openid openid', ' '],
  state: ['a state'],
  nonce: ['a nonce'],
  code_challenge: [codeChallenge],
  code_challenge_method: ['S256', 'plain'],
  prompt: ['none', 'login', 'create', 'consent', 'select_account', 'login consent', 'none login'],
  max_age: ['0', '1', '3600'],
  latchkey_max_age: ['0', '3600'],
  ui_locales: ['de ar en', 'xx'],
  lang: ['de', 'ar', 'en-GB'],
  screen_hint: ['forgotPassword', 'signup'],
  resource: ['https://api.example/', 'urn:api'],
  identity_provider: ['COGNITO', 'Google'],
  answer: ['allow', 'deny'],
  choose: ['password'],
  error: ['redirect_mismatch', 'invalid_request', 'access_denied'],
  global_sign_out: ['true', 'false'],
  notice: ['confirmed', 'codeResent'],
  cookie: ['sent'],
  rememberMe: ['1'],
  app: ['one', 'two'],
  aws_client_metadata: ['{"a":"b"}'],
}

/** Puts the values in where a text names them. */
export const fillIn = (text: string, values: LiveValues): string =>
  liveNames.reduce(
    (filled, name) =>
      filled.replaceAll(live(name), values[name]).replaceAll(live(name, true), values[name].slice(0, -2)),
    text,
  )
