/* What the templates under views/emails are given. */

interface Email {
  readonly lang: string
  readonly dir: 'ltr' | 'rtl'
  readonly brand: { readonly name: string }
  readonly t: Readonly<Record<string, string>>
}

/** Sections `emailVerification` and `emailReset` with `brand` and `duration`. */
export interface CodeEmail extends Email {
  readonly code: string
}

/** Section `emailAccountExists` with `brand`. */
export interface AccountExistsEmail extends Email {
  /** Where to sign in. */
  readonly link: string
}

/** Section `emailInvitation` with `brand` and `duration`. */
export interface InvitationEmail extends Email {
  readonly username: string
  readonly temporaryPassword: string
  readonly link: string
}
