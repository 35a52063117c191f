/*
 * What pages are made of. Texts arrive chosen and formatted, URLs arrive checked; a view prints, loops and tests presence.
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
  /** Of a password that is only warned of: it is meant. */
  readonly insist?: CheckBox
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

/** One path of an SVG, and the size of its square. */
export interface QrCode {
  readonly path: string
  readonly size: number
}

/** What a script asks the browser's authenticators, and the form that takes their answer. */
export interface PasskeyPart {
  readonly form: { readonly action: string; readonly csrf: string; readonly flow?: string }
  /** WebAuthn's options, as JSON. */
  readonly options: string
  /** Offered in the list of the field for the user name as well (conditional UI). */
  readonly conditional?: boolean
  /** To tell authenticators which passkeys are none any more: WebAuthn's signals, as JSON. */
  readonly signal?: string
}

/** A check box; absent where there is nothing to choose. */
export interface CheckBox {
  readonly label: string
  readonly checked: boolean
}

export interface ConsentScope {
  /** What it lets the client do: our words, or those of the resource server. */
  readonly text: string
  readonly resourceServer?: string
  /** The user has allowed it before. */
  readonly allowed?: boolean
}

/** A piece of the sentence about the terms: words, or a link to a document. */
export interface TermsPart {
  readonly text: string
  readonly href?: string
  /** Tells that the link opens a tab of its own, since what is typed must not be lost. */
  readonly newTab?: string
}
