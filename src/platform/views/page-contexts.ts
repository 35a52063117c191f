import type {
  AccountAppPage,
  AccountFormPage,
  AccountListPage,
  AccountPage,
  RecoveryCodesPage,
} from './account-contexts.ts'
import type { DemoHomePage, DemoTokensPage, MailboxMessagePage, MailboxPage } from './development-contexts.ts'
import type { EmailContexts } from './email-contexts.ts'
import type {
  MfaPage,
  SelectMfaPage,
  MfaSetUpPage,
  SoftwareTokenPage,
  PasskeyFactorPage,
  PasskeyOfferPage,
  CustomChallengePage,
} from './factor-contexts.ts'
import type {
  CheckBox,
  CodeField,
  ConsentScope,
  Field,
  Form,
  NewPasswordField,
  Page,
  PasskeyPart,
  Resend,
  TermsPart,
  UsernameField,
} from './page-parts.ts'

/**
 * What each template is given: the contract between the handlers and the views. `t` is the page's message section (its
 * name is in the comment, with the values that it needs), `common` the section `common`.
 */

/** Section `login`. */
export interface LoginPage extends Page {
  readonly form: Form
  readonly staySignedIn?: CheckBox
  readonly username: UsernameField
  readonly password?: { readonly error?: string }
  readonly passkey?: PasskeyPart
  /** Codes that stand in for a password. */
  readonly codes?: {
    readonly action: string
    readonly factors: readonly { readonly type: string; readonly label: string }[]
  }
  /** A way in that asks for no password first. */
  readonly custom?: { readonly action: string }
  /** Others at whom people may sign in. */
  readonly providers: readonly { readonly href: string; readonly label: string }[]
  /** There are accounts of the pool's own to sign in with. */
  readonly local: boolean
  readonly links: { readonly signUp?: string; readonly forgotPassword?: string }
}

/** Section `selectAccount` with `name`. */
export interface SelectAccountPage extends Page {
  readonly form: Form
  readonly account: { readonly name: string }
  readonly links: { readonly otherAccount: string }
}

/** Section `signUp`. */
export interface SignUpPage extends Page {
  readonly form: Form
  readonly staySignedIn?: CheckBox
  readonly fields: readonly Field[]
  readonly password: NewPasswordField
  /** Section `terms`. */
  readonly terms?: readonly TermsPart[]
  readonly links: { readonly login: string }
}

/** Section `confirm` with `seconds`. */
export interface ConfirmPage extends Page {
  readonly form: Form
  readonly destination: string
  readonly code: CodeField
  readonly resend: Resend
  readonly links: { readonly startOver: string }
}

/** Section `consent`. */
export interface ConsentPage extends Page {
  readonly form: Form
  /** Stands for what the page shows; sent back with the answer. */
  readonly shown: string
  /** The name of the app that asks. */
  readonly client: string
  readonly account: string
  readonly scopes: readonly ConsentScope[]
  /** The host of the redirect URI, or an app's own scheme. */
  readonly destination: string
  readonly links: { readonly otherAccount: string }
}

/** Section `confirmLink` with `seconds`: a link is under way. */
export interface ConfirmLinkPage extends Page {
  readonly form: Form
  readonly destination: string
  readonly resend: Resend
  readonly links: { readonly startOver: string }
}

/** Section `resetLink`, where the link of a mail about a forgotten password leads. */
export interface ResetLinkPage extends Page {
  readonly form: Omit<Form, 'flow'>
  readonly hidden: readonly { readonly name: string; readonly value: string }[]
  /** For password managers. */
  readonly username: { readonly value: string }
  readonly password: NewPasswordField
}

/** Section `confirmUser`, where a mailed link leads. */
export interface ConfirmUserPage extends Page {
  readonly form: { readonly action: string; readonly csrf: string }
  /** The parameters of the link, for the form. */
  readonly hidden: readonly { readonly name: string; readonly value: string }[]
  readonly destination: string
  readonly username: { readonly value: string }
  /** Asked for, the password of the sign-up. */
  readonly password?: { readonly error?: string }
  /** Chosen here, in its place. */
  readonly newPassword?: NewPasswordField
  /** Between the two. */
  readonly links: { readonly choose?: string; readonly back?: string }
}

/** Section `confirmedUser`. */
export interface ConfirmedUserPage extends Page {
  readonly links: { readonly login?: string }
}

/** Section `forgotPassword`. */
export interface ForgotPasswordPage extends Page {
  readonly form: Form
  readonly username: UsernameField
  readonly links: { readonly login: string }
}

/** Section `resetPassword` with `seconds`. */
export interface ResetPasswordPage extends Page {
  readonly form: Form
  readonly destination: string
  readonly username: { readonly value: string }
  readonly code: CodeField
  readonly password: NewPasswordField
  readonly resend: Resend
  readonly links: { readonly login: string }
}

/** Section `newPassword`. */
export interface NewPasswordPage extends Page {
  readonly form: Form
  readonly username: { readonly value: string }
  readonly fields: readonly Field[]
  readonly password: NewPasswordField
}

/** Section `notMe`, where the link of a notice leads. */
export type NotMePage = SignInLinkPage

/** Section `signInLink`, where the link beside a code leads. */
export interface SignInLinkPage extends Page {
  readonly form: Omit<Form, 'flow'>
  readonly hidden: readonly { readonly name: string; readonly value: string }[]
  /** Whose sign-in it is. */
  readonly name: string
}

/** Section `signedOut`. */
export interface SignedOutPage extends Page {
  readonly links: { readonly login?: string }
}

/** Section `formPost`. The form posts to the app, by script at once. */
export interface FormPostPage extends Page {
  readonly action: string
  readonly fields: readonly { readonly name: string; readonly value: string }[]
}

/** Section `error`; heading and text from `error.<key>.heading` and `error.<key>.text`. */
export interface ErrorPage extends Page {
  readonly heading: string
  readonly text: string
  readonly action?: { readonly href: string; readonly label: string }
  /** The request's id, for whoever is asked for help. */
  readonly reference?: string
}

/** Template names and their contexts. */
export interface ViewContexts extends EmailContexts {
  'pages/login': LoginPage
  'pages/select-account': SelectAccountPage
  'pages/sign-up': SignUpPage
  'pages/confirm': ConfirmPage
  'pages/consent': ConsentPage
  'pages/confirm-link': ConfirmLinkPage
  'pages/confirm-user': ConfirmUserPage
  'pages/confirmed-user': ConfirmedUserPage
  'pages/forgot-password': ForgotPasswordPage
  'pages/reset-password': ResetPasswordPage
  'pages/reset-link': ResetLinkPage
  'pages/new-password': NewPasswordPage
  'pages/mfa': MfaPage
  'pages/select-mfa': SelectMfaPage
  'pages/mfa-set-up': MfaSetUpPage
  'pages/software-token': SoftwareTokenPage
  'pages/sign-in-link': SignInLinkPage
  'pages/not-me': NotMePage
  'pages/passkey-offer': PasskeyOfferPage
  'pages/passkey-factor': PasskeyFactorPage
  'pages/custom-challenge': CustomChallengePage
  'pages/signed-out': SignedOutPage
  'pages/form-post': FormPostPage
  'pages/account': AccountPage
  'pages/account-app': AccountAppPage
  'pages/account-form': AccountFormPage
  'pages/account-list': AccountListPage
  'pages/recovery-codes': RecoveryCodesPage
  'pages/error': ErrorPage
  'pages/mailbox': MailboxPage
  'pages/mailbox-message': MailboxMessagePage
  'pages/demo-home': DemoHomePage
  'pages/demo-tokens': DemoTokensPage
}
