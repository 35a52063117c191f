import { cookieName } from '../../../src/security/cookies.ts'
import type { CookieKind } from '../../../src/security/cookies.ts'
import type { MovableClock } from '../../support/movable-clock.ts'
import type { ServerUnderTest } from '../server-under-test.ts'

/*
 * What happens in one run: people with accounts, browsers and mailboxes, the apps they sign in to, and what each of them
 * has shown to be theirs. The server's own answers and rows are compared with it after every request.
 */

/** Something that must never be. */
class Violation extends Error {
  constructor(what: string, story: readonly string[]) {
    super(`${what}\n${story.map((line) => `  ${line}`).join('\n')}`)
    this.name = 'Violation'
  }
}

export const accountNames = ['ana', 'ben', 'cas', 'dora'] as const
export type AccountName = (typeof accountNames)[number]

/** One at most exists with the address. */
export interface Account {
  name: AccountName
  address: string
  /** The one in force. */
  password: string | undefined
  /** The ones before it, oldest first. */
  formerPasswords: string[]
  /** As stored when it was last looked at. */
  row: UserRow | undefined
}

export interface UserRow {
  sub: string
  status: string
  enabled: boolean
  passwordHash: string | null
  signedOutAt: number | undefined
  verified: boolean
  createdAt: number
}

export interface Form {
  action: URL
  fields: Record<string, string>
}

export interface Page {
  url: URL
  heading: string
  forms: readonly Form[]
  /** Addresses of ours. */
  links: readonly string[]
}

export interface Tab {
  page: Page | undefined
  former: Page[]
}

export const browserNames = ['owner', 'stranger'] as const
export type BrowserName = (typeof browserNames)[number]

export interface Browser {
  name: BrowserName
  cookies: Map<string, string>
  tabs: readonly [Tab, Tab]
  /** Sub of whoever may be signed in here. */
  signedInAs: string | undefined
}

/** An app's request for a sign-in. Its state tells which one an answer belongs to. */
export interface Authorization {
  client: ClientName
  state: string
  nonce: string
  codeVerifier: string | undefined
  /** A session alone does not answer it. */
  mustAsk: boolean
}

export type ClientName = 'web' | 'shop' | 'partner' | 'page'

/** A flow of ours, seen when it began. */
export interface FlowNote {
  id: string
  /** The browser's cookie that it began with. */
  handle: string
  authorization: Authorization
  beganAt: number
  /** Sub of whoever's temporary password was typed last. */
  temporary?: string | undefined
  /** Subs of sign-ups that were made, or whose password was shown, in this flow. */
  signUps: Set<string>
  /** What consent pages have shown: the form's own word for it, and of whom. */
  shown: Map<string, string>
}

/** Somebody has shown in this flow's name that the account is theirs. */
export interface Proof {
  browser: BrowserName
  state: string
  sub: string
}

export interface MailNote {
  account: Account
  sub: string
  purpose: 'sign_up' | 'reset'
  /** Six digits, or what stands in a link. */
  code: string
  /** The whole address, where it came by link. */
  link?: URL
  sentAt: number
  /** In whose flow it was asked for. */
  flow: FlowNote | undefined
  spent: boolean
}

export interface CodeNote {
  value: string
  authorization: Authorization
  sub: string
  at: number
  used: boolean
  /** Not to be redeemed any more. */
  dead: boolean
  family?: Family
}

/** What a code has become: its tokens live and die together. */
export interface Family {
  client: ClientName
  sub: string
  at: number
  dead: boolean
  refreshTokens: { value: string; spentAt?: number }[]
  accessTokens: { value: string; at: number }[]
  idToken: string
}

export interface SentRequest {
  method: 'GET' | 'POST'
  url: string
  form: Record<string, string> | undefined
}

export interface World {
  server: ServerUnderTest
  clock: MovableClock
  pool: { id: string; base: string; byLink: boolean }
  otherBase: string
  accounts: Readonly<Record<AccountName, Account>>
  browsers: Readonly<Record<BrowserName, Browser>>
  authorizations: Map<string, Authorization>
  /** Where an authorization goes on once its flow is over. */
  resumed: Map<string, Authorization>
  flows: Map<string, FlowNote>
  /** CSRF tokens as pages have had them: the cookie and the flow (or link) that they stand for. */
  forms: Map<string, { handle: string; subject: string }>
  proofs: Proof[]
  /** `sub client` */
  consents: Set<string>
  /** Whose a session cookie was first. */
  sessionOwners: Map<string, string>
  mails: MailNote[]
  seenMails: Set<string>
  codes: CodeNote[]
  families: Family[]
  sent: SentRequest[]
  /** What has happened, for whoever reads a counter-example. */
  story: string[]
  tally: Tally
}

/** How far runs have come: a property that never gets anywhere holds as well. */
export type Tally = Record<
  'steps' | 'codes' | 'tokens' | 'refreshed' | 'resets' | 'confirmed' | 'signedUp' | 'consents' | 'sessions',
  number
>

export const newTally = (): Tally => ({
  steps: 0,
  codes: 0,
  tokens: 0,
  refreshed: 0,
  resets: 0,
  confirmed: 0,
  signedUp: 0,
  consents: 0,
  sessions: 0,
})

export const nowOf = (world: World): number => world.clock.now().getTime() / 1000

export const accountsOf = (world: World): readonly Account[] => accountNames.map((name) => world.accounts[name])

export const accountBySub = (world: World, sub: string): Account | undefined =>
  accountsOf(world).find(({ row }) => row?.sub === sub)

export const cookieOf = (world: World, browser: Browser, kind: CookieKind): string | undefined =>
  browser.cookies.get(cookieName(kind, world.pool.id, false))

/** What flows and forms are bound to. */
export const handleOf = (world: World, browser: Browser): string | undefined => cookieOf(world, browser, 'browser')

export const fail = (world: World, what: string): never => {
  throw new Violation(what, world.story)
}

/** The latest message of its kind counts alone. */
export const latestMail = (world: World, sub: string, purpose: MailNote['purpose']): MailNote | undefined =>
  world.mails.findLast((mail) => mail.sub === sub && mail.purpose === purpose)

/** What somebody has shown or holds is worth nothing any more: signed out everywhere, disabled, deleted. */
export function forget(world: World, sub: string): void {
  world.proofs = world.proofs.filter((proof) => proof.sub !== sub)
  for (const flow of world.flows.values()) if (flow.temporary === sub) flow.temporary = undefined
  for (const browser of Object.values(world.browsers)) {
    if (browser.signedInAs === sub) browser.signedInAs = undefined
  }
  for (const code of world.codes) if (code.sub === sub) code.dead = true
  for (const family of world.families) if (family.sub === sub) family.dead = true
}
