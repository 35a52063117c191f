/** Cognito's page paths (reference: hosted UI §2); matched without regard to case. */
export const pagePaths = {
  login: '/login',
  selectAccount: '/selectAccount',
  signUp: '/signup',
  confirm: '/confirm',
  consent: '/consent',
  confirmUser: '/confirmUser',
  resendCode: '/resendcode',
  forgotPassword: '/forgotPassword',
  resetPassword: '/resetPassword',
  resetLink: '/resetLink',
  newPassword: '/changePassword',
  mfa: '/mfa',
  selectMfa: '/selectMfa',
  mfaSetUp: '/mfaSetup',
  signInCode: '/signInCode',
  requestSignInCode: '/requestSignInCode',
  signInLink: '/signInLink',
  notMe: '/notMe',
  customSignIn: '/customSignIn',
  customChallenge: '/customChallenge',
  identityProvider: '/identityProvider',
  idpResponse: '/oauth2/idpresponse',
  passkeySignIn: '/passkeys/signIn',
  passkeyOffer: '/passkeys/offer',
  passkeysAdd: '/passkeys/add',
  account: '/account',
  logout: '/logout',
  error: '/error',
} as const

export type FlowPage =
  | 'login'
  | 'selectAccount'
  | 'signUp'
  | 'confirm'
  | 'consent'
  | 'forgotPassword'
  | 'resetPassword'
  | 'newPassword'
  | 'mfa'
  | 'selectMfa'
  | 'mfaSetUp'
  | 'passkeyOffer'
  | 'signInCode'
  | 'customChallenge'
  | 'identityProvider'
