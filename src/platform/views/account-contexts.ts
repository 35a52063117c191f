import type { CodeField, Field, NewPasswordField, Page, PasskeyPart, QrCode } from './page-parts.ts'

/** What the pages of an account are given; their sections are named after the pages (`accountProfile`, ...). */

interface AccountForm {
  readonly action: string
  readonly csrf: string
}

interface HiddenField {
  readonly name: string
  readonly value: string
}

/** Section `account`. */
export interface AccountPage extends Page {
  /** Whose account it is. */
  readonly name: string
  readonly sections: readonly { readonly href: string; readonly title: string; readonly text: string }[]
  readonly links: { readonly signOut: string; readonly app?: string }
}

/** A page with one form. */
export interface AccountFormPage extends Page {
  readonly form: AccountForm
  readonly hidden: readonly HiddenField[]
  /** For password managers. */
  readonly username: { readonly value: string }
  readonly fields: readonly Field[]
  readonly currentPassword?: { readonly error?: string }
  readonly newPassword?: NewPasswordField
  readonly code?: CodeField
  /** What cannot be taken back. */
  readonly danger?: boolean
  /** Other things to do here, each by a button of its own. */
  readonly actions: readonly AccountAction[]
  readonly links: { readonly back: string }
}

export interface AccountAction {
  readonly name: string
  readonly value: string
  readonly label: string
}

/** A page that lists things, each with what can be done with it. */
export interface AccountListPage extends Page {
  readonly form: AccountForm
  readonly items: readonly {
    readonly title: string
    readonly badge?: string
    readonly lines: readonly string[]
    readonly actions: readonly AccountAction[]
    /** To give it another name. */
    readonly field?: { readonly id: string; readonly value: string }
  }[]
  /** Stands in for the list when there is nothing. */
  readonly none?: string
  /** For all of them. */
  readonly actions: readonly AccountAction[]
  /** A passkey can be added here. */
  readonly passkey?: PasskeyPart
  /** Links that do something, elsewhere. */
  readonly buttons: readonly { readonly href: string; readonly label: string }[]
  readonly more: readonly { readonly href: string; readonly label: string }[]
  readonly links: { readonly back: string }
}

/** Section `accountApp`. */
export interface AccountAppPage extends Page {
  readonly form: AccountForm
  readonly hidden: readonly HiddenField[]
  readonly qr: QrCode
  readonly key: string
  readonly uri: string
  readonly code: CodeField
  readonly links: { readonly back: string }
}

/** Section `recoveryCodes`. */
export interface RecoveryCodesPage extends Page {
  readonly codes: readonly string[]
  readonly download: { readonly href: string; readonly fileName: string }
  readonly links: { readonly back: string }
}
