/** What each template of a mail is given, on the same terms as the pages (page-contexts.ts). */

interface Email {
  readonly lang: string
  readonly dir: 'ltr' | 'rtl'
  readonly brand: { readonly name: string }
  /** The mail's message section. */
  readonly t: Readonly<Record<string, string>>
}

/** Sections `emailVerification` and `emailReset` with `brand` and `duration`. */
interface CodeEmail extends Email {
  readonly code: string
}

interface ResetEmail extends CodeEmail {
  /** Does what the code does. */
  readonly link?: string
}

/** Section `emailVerificationLink` with `brand` and `duration`. */
interface LinkEmail extends Email {
  readonly link: string
}

/** Section `emailAccountExists` with `brand`. */
interface AccountExistsEmail extends Email {
  /** Where to sign in. */
  readonly link: string
}

/** Section `emailInvitation` with `brand` and `duration`. */
interface InvitationEmail extends Email {
  readonly username: string
  readonly temporaryPassword: string
  readonly link: string
}

/** Sections `emailNotice` and one of `emailNotices`, and `detail`: when and from where. */
type NoticeEmail = LinkEmail

export interface EmailContexts {
  'emails/notice.html': NoticeEmail
  'emails/notice.text': NoticeEmail
  'emails/verification.html': CodeEmail
  'emails/verification.text': CodeEmail
  'emails/verification-link.html': LinkEmail
  'emails/verification-link.text': LinkEmail
  'emails/reset.html': ResetEmail
  'emails/reset.text': ResetEmail
  'emails/account-exists.html': AccountExistsEmail
  'emails/account-exists.text': AccountExistsEmail
  'emails/invitation.html': InvitationEmail
  'emails/invitation.text': InvitationEmail
}
