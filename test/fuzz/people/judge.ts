import { pagePaths } from '../../../src/hosted/paths.ts'
import { accountBySub, accountsOf, handleOf, latestMail, nowOf } from './world.ts'
import type { Account, Browser, FlowNote, MailNote, SentRequest, World } from './world.ts'

/*
 * What a request has shown, and so what it may change: the rules of the server, said once more and apart from its code. A
 * change that no rule allows is a violation, whatever led to it.
 */

export type Change =
  'create' | 'replace' | 'password' | 'confirm' | 'verify' | 'signOut' | 'delete' | 'status' | 'enabled'

export interface Allowed {
  account: Account
  changes: readonly Change[]
  /** The password that is in force after it. */
  password?: string
  /** The message whose code pays for it. */
  mail?: MailNote
  /** A sign-up's own flow. */
  flow?: FlowNote
  /** The flow in which the change shows whose account it is. */
  proves?: FlowNote | undefined
}

const nothing: readonly Allowed[] = []

/** Reading changes nothing, except that it signs out. */
export function judge(world: World, browser: Browser, request: SentRequest): readonly Allowed[] {
  const url = new URL(request.url)
  const path = pathIn(world, url)
  if (path === pagePaths.logout)
    return judgeLogout(world, browser, request.form ?? Object.fromEntries(url.searchParams))
  const { form } = request
  if (request.method !== 'POST' || form === undefined) return nothing
  if (path === pagePaths.confirmUser) return judgeLink(world, browser, form)
  const flow = world.flows.get(form['flow'] ?? url.searchParams.get('flow') ?? '')
  if (flow === undefined || !isOfBrowser(world, browser, flow, form['_csrf'] ?? '')) return nothing
  return rules[path]?.(world, browser, flow, form) ?? nothing
}

export const pathIn = (world: World, url: URL): string =>
  url.pathname.slice(new URL(world.pool.base).pathname.replace(/\/$/, '').length)

/** The form was made for this browser and this flow, and the flow is not over. */
function isOfBrowser(world: World, browser: Browser, flow: FlowNote, csrf: string): boolean {
  const handle = handleOf(world, browser)
  const form = world.forms.get(csrf)
  const isOurs = handle !== undefined && flow.handle === handle && form?.handle === handle && form.subject === flow.id
  return isOurs && nowOf(world) < flow.beganAt + 3600
}

type Rule = (
  world: World,
  browser: Browser,
  flow: FlowNote,
  form: Readonly<Record<string, string>>,
) => readonly Allowed[] | undefined

const rules: Readonly<Record<string, Rule>> = {
  [pagePaths.login]: judgeLogin,
  [pagePaths.signUp]: judgeSignUp,
  [pagePaths.confirm]: judgeConfirmation,
  [pagePaths.resetPassword]: judgeReset,
  '/confirmforgotPassword': judgeReset,
  [pagePaths.newPassword]: judgeNewPassword,
  [pagePaths.consent]: judgeConsent,
}

const accountNamed = (world: World, typed: string): Account | undefined =>
  accountsOf(world).find(({ address }) => address === typed.trim().toLowerCase())

function judgeLogin(world: World, browser: Browser, flow: FlowNote, form: Readonly<Record<string, string>>): undefined {
  const account = accountNamed(world, form['username'] ?? '')
  const row = account?.row
  if (account === undefined || row === undefined || !row.enabled || form['password'] !== account.password) return
  if (row.status === 'CONFIRMED') prove(world, browser, flow, row.sub)
  if (row.status === 'UNCONFIRMED') flow.signUps.add(row.sub)
  if (row.status === 'FORCE_CHANGE_PASSWORD') flow.temporary = row.sub
}

export const prove = (world: World, browser: Browser, flow: FlowNote, sub: string): void => {
  world.proofs.push({ browser: browser.name, state: flow.authorization.state, sub })
}

/** Anybody may sign up with an address that nobody has proved to be theirs. */
function judgeSignUp(
  world: World,
  _browser: Browser,
  flow: FlowNote,
  form: Readonly<Record<string, string>>,
): readonly Allowed[] {
  const account = accountNamed(world, form['username'] ?? '')
  const password = form['password'] ?? ''
  if (account === undefined) return nothing
  const { row } = account
  if (row === undefined) return [{ account, changes: ['create'], password, flow }]
  if (row.status !== 'UNCONFIRMED' || !row.enabled) return nothing
  return [
    { account, changes: flow.signUps.has(row.sub) ? ['replace', 'password'] : ['replace'], password, flow } as const,
  ]
}

/** The code of the last message, not spent and not too old; wrong tries do it no harm. */
function isGood(world: World, mail: MailNote, validSeconds: number): boolean {
  const isLast = latestMail(world, mail.sub, mail.purpose) === mail
  const isOfUser = mail.account.row?.sub === mail.sub
  return isLast && isOfUser && !mail.spent && nowOf(world) < mail.sentAt + validSeconds
}

const digits = (code: string): string => code.replaceAll(/[\s-]/g, '')

const mailWith = (world: World, purpose: MailNote['purpose'], code: string, validSeconds: number) =>
  world.mails.find(
    (mail) =>
      mail.purpose === purpose && mail.link === undefined && mail.code === code && isGood(world, mail, validSeconds),
  )

function judgeConfirmation(
  world: World,
  _browser: Browser,
  flow: FlowNote,
  form: Readonly<Record<string, string>>,
): readonly Allowed[] {
  const mail = mailWith(world, 'sign_up', digits(form['code'] ?? ''), 24 * 3600)
  if (mail === undefined) return nothing
  return [{ account: mail.account, changes: ['confirm', 'verify'], mail, proves: flow }]
}

function judgeReset(
  world: World,
  _browser: Browser,
  flow: FlowNote,
  form: Readonly<Record<string, string>>,
): readonly Allowed[] {
  const mail = mailWith(world, 'reset', digits(form['code'] ?? ''), 3600)
  if (mail === undefined) return nothing
  const password = form['password'] ?? ''
  return [
    {
      account: mail.account,
      changes: ['password', 'confirm', 'verify', 'signOut'],
      password,
      mail,
      proves: flow,
    } as const,
  ]
}

function judgeNewPassword(
  world: World,
  _browser: Browser,
  flow: FlowNote,
  form: Readonly<Record<string, string>>,
): readonly Allowed[] {
  const account = flow.temporary === undefined ? undefined : accountBySub(world, flow.temporary)
  if (account === undefined) return nothing
  return [{ account, changes: ['password', 'confirm'], password: form['password'] ?? '', proves: flow }]
}

function judgeConsent(
  world: World,
  _browser: Browser,
  flow: FlowNote,
  form: Readonly<Record<string, string>>,
): undefined {
  const sub = flow.shown.get(form['shown'] ?? '')
  if (form['answer'] === 'allow' && sub !== undefined) {
    world.consents.add(`${sub} ${flow.authorization.client}`)
    world.tally.consents += 1
  }
}

/** At the browser that signed up the link is enough; elsewhere whoever has it brings a password, or sets one. */
function judgeLink(world: World, browser: Browser, form: Readonly<Record<string, string>>): readonly Allowed[] {
  const code = form['confirmation_code'] ?? ''
  const handle = handleOf(world, browser)
  const seen = world.forms.get(form['_csrf'] ?? '')
  const mail = world.mails.find((known) => known.link !== undefined && known.code === code)
  if (mail === undefined || handle === undefined || seen?.handle !== handle || seen.subject !== code) return nothing
  if (!isGood(world, mail, 24 * 3600)) return nothing
  const { account, flow } = mail
  const { password } = form
  const isSame = flow?.handle === handle
  const goesOn = isSame ? { proves: flow } : {}
  if (password === undefined) return isSame ? [{ account, changes: ['confirm', 'verify'], mail, ...goesOn }] : nothing
  if (form['choose'] === 'password') {
    return [{ account, changes: ['confirm', 'verify', 'password'], password, mail, ...goesOn }]
  }
  return password === account.password ? [{ account, changes: ['confirm', 'verify'], mail, ...goesOn }] : nothing
}

/** Everywhere only for whoever is signed in here and says so. */
function judgeLogout(world: World, browser: Browser, parameters: Readonly<Record<string, string>>): readonly Allowed[] {
  const family = world.families.find(({ idToken }) => idToken === parameters['id_token_hint'])
  if (parameters['global_sign_out'] !== 'true' || family === undefined) return nothing
  const account = accountBySub(world, family.sub)
  return account !== undefined && browser.signedInAs === family.sub ? [{ account, changes: ['signOut'] }] : nothing
}
