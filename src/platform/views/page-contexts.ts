import type { AccountExistsEmail, CodeEmail, InvitationEmail } from './email-contexts.ts'
import type { ConsentScope, TermsPart } from './page-parts.ts'

/**
 * What each template is given: the contract between the handlers and the views. Texts arrive chosen and formatted,
 * URLs arrive checked; a view prints, loops and tests presence. `t` is the page's message section (its name is in
 * the comment, with the values that it needs), `common` the section `common`.
 */

export type Texts = Readonly<Record<string, string>>

export interface Brand {
  readonly name: string
  /** An image of our own origin or a `data:` URL (the pages' CSP allows no other); absent: the product's mark. */
  readonly logoUrl?: string
}

export interface Alert {
  readonly kind: 'error' | 'success' | 'info'
  readonly text: string
}

export interface LanguageLink {
  readonly lang: string
  /** The language's own name for itself. */
  readonly name: string
  readonly href: string
  readonly current?: boolean
}

export interface Page {
  readonly lang: string
  readonly dir: 'ltr' | 'rtl'
  readonly cspNonce: string
  readonly assets: { readonly css: string; readonly js: string; readonly favicon: string }
  readonly brand: Brand
  readonly title: string
  readonly t: Texts
  readonly common: Texts
  readonly alert?: Alert
  /** Shown as a menu when there is more than one. */
  readonly languages?: readonly LanguageLink[]
}

export interface Form {
  readonly action: string
  readonly csrf: string
  readonly flow: string
}

export interface UsernameField {
  readonly label: string
  readonly type: 'text' | 'email' | 'tel'
  readonly value: string
  readonly autocomplete: string
  readonly error?: string
}

export interface Field {
  readonly name: string
  readonly label: string
  /** An HTML input type. */
  readonly type: string
  readonly value: string
  readonly required: boolean
  readonly autocomplete: string
  readonly inputmode?: string
  readonly hint?: string
  readonly error?: string
  readonly maxlength?: number
}

export interface PasswordRule {
  readonly id: 'length' | 'uppercase' | 'lowercase' | 'number' | 'symbol' | 'no-outer-space'
  readonly text: string
}

export interface NewPasswordField {
  /** In the order of the list that the page shows. Texts: `passwordRules.<id>` with `minLength`. */
  readonly rules: readonly PasswordRule[]
  readonly minLength: number
  readonly maxLength: number
  readonly error?: string
}

export interface CodeField {
  readonly length: number
  readonly error?: string
}

export interface Resend {
  readonly action: string
  /** Seconds until a new code may be asked for; 0 when it may be now. */
  readonly waitSeconds: number
  /** False together with `waitSeconds` 0: no new code can be asked for at all, and no button is shown. */
  readonly available: boolean
  /** `locale.countdown('confirm.resendWait', waitSeconds)`: lets script count down. Without it the text stands still. */
  readonly countdown?: readonly string[]
}

/** A check box; absent where there is nothing to choose. */
export interface StaySignedIn {
  readonly label: string
  readonly checked: boolean
}

/** Section `login`. */
export interface LoginPage extends Page {
  readonly form: Form
  readonly staySignedIn?: StaySignedIn
  readonly username: UsernameField
  readonly password?: { readonly error?: string }
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
  readonly staySignedIn?: StaySignedIn
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

export interface MailboxItem {
  readonly id: string
  readonly to: string
  readonly subject: string
  readonly createdAt: string
  readonly href: string
  readonly preview: string
}

/** Section `mailbox`. */
export interface MailboxPage extends Page {
  readonly messages: readonly MailboxItem[]
}

/** Section `mailbox`. */
export interface MailboxMessagePage extends Page {
  readonly message: {
    readonly to: string
    readonly subject: string
    readonly createdAt: string
    readonly text: string
    readonly code?: string
  }
  /** Address of the HTML part alone, shown in a sandboxed frame: the page's CSP needs `frame-src 'self'`. */
  readonly htmlSrc: string
  readonly links: { readonly back: string }
}

/** Section `demo`. */
export interface DemoHomePage extends Page {
  readonly signIn: { readonly href: string }
  /** A second app of the same user pool, to show single sign-on. */
  readonly otherSignIn?: { readonly href: string; readonly label: string }
  readonly text: string
}

export interface DemoToken {
  readonly title: string
  /** Pretty-printed JSON; absent, as `payload` is, for an opaque token. */
  readonly header?: string
  readonly payload?: string
  readonly raw: string
  readonly expiresText: string
}

export interface DemoAction {
  readonly action: string
  readonly csrf: string
}

/** Section `demo`. */
export interface DemoTokensPage extends Page {
  readonly user: { readonly name: string; readonly email?: string }
  readonly tokens: readonly DemoToken[]
  readonly actions: {
    readonly refresh?: DemoAction
    readonly signOut: DemoAction
    /** Pretty-printed answer of the userInfo endpoint. */
    readonly userInfo?: string
  }
}

/** Template names and their contexts. */
export interface ViewContexts {
  'pages/login': LoginPage
  'pages/select-account': SelectAccountPage
  'pages/sign-up': SignUpPage
  'pages/confirm': ConfirmPage
  'pages/consent': ConsentPage
  'pages/forgot-password': ForgotPasswordPage
  'pages/reset-password': ResetPasswordPage
  'pages/new-password': NewPasswordPage
  'pages/signed-out': SignedOutPage
  'pages/form-post': FormPostPage
  'pages/error': ErrorPage
  'pages/mailbox': MailboxPage
  'pages/mailbox-message': MailboxMessagePage
  'pages/demo-home': DemoHomePage
  'pages/demo-tokens': DemoTokensPage
  'emails/verification.html': CodeEmail
  'emails/verification.text': CodeEmail
  'emails/reset.html': CodeEmail
  'emails/reset.text': CodeEmail
  'emails/account-exists.html': AccountExistsEmail
  'emails/account-exists.text': AccountExistsEmail
  'emails/invitation.html': InvitationEmail
  'emails/invitation.text': InvitationEmail
}
