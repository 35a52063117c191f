import type { CheckBox, CodeField, Field, Form, Page, PasskeyPart, QrCode, Resend } from './page-parts.ts'

/* What the templates of second factors and of other proofs are given; see page-contexts.ts. */

/** A second factor to choose, by its name in the form. */
interface MfaChoice {
  readonly type: string
  readonly name: string
  /** Masked; absent where nothing is sent. */
  readonly destination?: string
}

/** Section `mfa` with `seconds`; `intro` and `label` say which factor it is. */
export interface MfaPage extends Page {
  /** The person has codes that stand in for what is asked for. */
  readonly hasRecoveryCodes: boolean
  readonly form: Form
  readonly intro: string
  readonly label: string
  readonly destination?: string
  readonly code: CodeField
  readonly rememberDevice?: CheckBox
  /** What else there is to do. */
  readonly guide?: string
  /** Absent where nothing is sent. */
  readonly resend?: Resend
  readonly links: { readonly another?: string; readonly login: string }
}

/** Section `selectMfa`. */
export interface SelectMfaPage extends Page {
  readonly form: Form
  readonly choices: readonly MfaChoice[]
  readonly links: { readonly login: string }
}

/** Section `mfaSetUp`. */
export interface MfaSetUpPage extends Page {
  readonly form: Form
  /** To make one, which is the factor then. */
  readonly passkey?: PasskeyPart
  readonly choices: readonly MfaChoice[]
  /** SMS needs a number. */
  readonly phone?: Field
  readonly links: { readonly login: string }
}

/** Section `softwareToken`. */
export interface SoftwareTokenPage extends Page {
  readonly form: Form
  /** The QR code as an SVG path in a square of `size` modules. */
  readonly qr: QrCode
  /** The key in groups of four. */
  readonly key: string
  /** `otpauth://`, for a browser on the phone itself. */
  readonly uri: string
  readonly code: CodeField
  readonly links: { readonly another?: string; readonly login: string }
}

/** Section `passkeyFactor`: a passkey as the second step. */
export interface PasskeyFactorPage extends Page {
  readonly form: Form
  /** Absent: none of the person's works at this domain. */
  readonly passkey?: PasskeyPart
  readonly rememberDevice?: CheckBox
  /** There where the person has recovery codes: one stands in for the passkey. */
  readonly code?: CodeField
  readonly links: { readonly another?: string; readonly login: string }
}

/** Section `passkeyOffer`. */
export interface PasskeyOfferPage extends Page {
  readonly form: Form
  readonly passkey: PasskeyPart
}

/** Section `customChallenge`: a question of the user pool's own triggers. */
export interface CustomChallengePage extends Page {
  readonly form: Form
  /** Which question it is: a form that was left open answers no other. */
  readonly question: string
  readonly prompt: string
  readonly image?: { readonly url: string; readonly text: string }
  readonly field: Field
  readonly links: { readonly login: string }
}
