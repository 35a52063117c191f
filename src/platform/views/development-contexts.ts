import type { Page } from './page-parts.ts'

/* What the development mailbox and the demo app show. */

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
    /** Where the message leads: a link inside the frame would open there. */
    readonly link?: string
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
  readonly links: { readonly account?: string }
}
