import { authorizationRequest } from '../../support/relying-party.ts'
import {
  confirmUser,
  createUser,
  disableUser,
  enableUser,
  setUserPassword,
  signOutUser,
} from '../../../src/domain/users/administer-user.ts'
import { pagePaths } from '../../../src/hosted/paths.ts'
import { userPoolOf } from '../../support/accounts.ts'
import { callback } from '../server-under-test.ts'
import { visit } from './browser.ts'
import type { Change } from './judge.ts'
import { pathIn } from './judge.ts'
import { settle } from './settle.ts'
import { accountNames, latestMail } from './world.ts'
import type { Account, AccountName, Authorization, Browser, ClientName, Form, Tab, World } from './world.ts'

/* What people, strangers and operators do, one thing at a time. */

export const prompts = ['', 'login', 'create', 'select_account', 'consent', 'none'] as const
export const responseModes = ['', 'fragment', 'form_post'] as const

export interface Asked {
  client: ClientName
  prompt: (typeof prompts)[number]
  mode: (typeof responseModes)[number]
}

/** An app sends a browser to sign in. */
export async function authorize(
  world: World,
  browser: Browser,
  tab: Tab,
  { client, prompt, mode }: Asked,
): Promise<void> {
  const isImplicit = client === 'page'
  const withoutPkce = isImplicit || (client === 'shop' && mode === 'fragment')
  const request = authorizationRequest(world.pool.base, {
    client_id: client,
    redirect_uri: callback,
    scope: 'openid email',
    ...(isImplicit ? { response_type: 'token' } : {}),
    ...(withoutPkce ? { code_challenge: undefined, code_challenge_method: undefined } : {}),
    ...(prompt === '' ? {} : { prompt }),
    ...(mode === '' ? {} : { response_mode: mode }),
  })
  const authorization: Authorization = {
    client,
    state: request.state,
    nonce: request.nonce,
    codeVerifier: withoutPkce ? undefined : request.codeVerifier,
    mustAsk: prompt === 'login' || prompt === 'create',
  }
  world.authorizations.set(authorization.state, authorization)
  await visit(world, browser, tab, { method: 'GET', url: request.url, form: undefined })
}

/** How somebody fills in what only the owner of an account knows. */
export const knowledges = ['right', 'wrong', 'stale', 'others', 'nothing'] as const
export type Knowledge = (typeof knowledges)[number]

export const newPasswords = ['Babbage-Engine-2', 'Countess-Note-7', 'weak'] as const

export interface Filling {
  account: AccountName
  knowledge: Knowledge
  /** Where a new password is asked for, or a sign-up. */
  newPassword: (typeof newPasswords)[number]
}

const nextAccount = (world: World, { name }: Account): Account =>
  world.accounts[accountNames[(accountNames.indexOf(name) + 1) % accountNames.length] ?? 'ana']

function passwordOf(world: World, account: Account, knowledge: Knowledge): string {
  const unknown = 'Unknown-Password-0'
  switch (knowledge) {
    case 'right':
      return account.password ?? unknown
    case 'stale':
      return account.formerPasswords.at(-1) ?? unknown
    case 'others':
      return nextAccount(world, account).password ?? unknown
    case 'wrong':
      return unknown
    case 'nothing':
      return ''
  }
}

function codeOf(world: World, account: Account, purpose: 'sign_up' | 'reset', knowledge: Knowledge): string {
  const mails = world.mails.filter((mail) => mail.purpose === purpose && mail.link === undefined)
  const own = mails.filter((mail) => mail.account === account)
  const last = own.at(-1)?.code ?? '000000'
  switch (knowledge) {
    case 'right':
      return last
    case 'stale':
      return own.at(-2)?.code ?? last
    case 'others':
      return mails.findLast((mail) => mail.account !== account)?.code ?? '000000'
    case 'wrong':
      return last === '111111' ? '222222' : '111111'
    case 'nothing':
      return ''
  }
}

/** The fields of a page that a person fills in. */
export function fillIn(
  world: World,
  path: string,
  fields: Readonly<Record<string, string>>,
  filling: Filling,
): Record<string, string> {
  const { knowledge, newPassword } = filling
  const account = world.accounts[filling.account]
  const username = account.address
  const known = passwordOf(world, account, knowledge)
  switch (path) {
    case pagePaths.login:
      return { ...fields, username, password: known }
    case pagePaths.signUp:
      return { ...fields, username, password: newPassword }
    case pagePaths.forgotPassword:
      return { ...fields, username }
    case pagePaths.confirm:
      return { ...fields, code: codeOf(world, account, 'sign_up', knowledge) }
    case pagePaths.resetPassword:
    case '/confirmforgotPassword':
      return { ...fields, code: codeOf(world, account, 'reset', knowledge), password: newPassword }
    case pagePaths.newPassword:
      return { ...fields, password: newPassword }
    case pagePaths.consent:
      return { ...fields, answer: knowledge === 'wrong' ? 'deny' : 'allow' }
    case pagePaths.confirmUser:
      if ('choose' in fields) return { ...fields, password: newPassword }
      return 'password' in fields ? { ...fields, password: known } : { ...fields }
    default:
      return { ...fields }
  }
}

/** Sends a form of the page that the tab shows. */
export async function submit(world: World, browser: Browser, tab: Tab, form: Form, filling: Filling): Promise<void> {
  const filled = fillIn(world, pathIn(world, form.action), form.fields, filling)
  await visit(world, browser, tab, { method: 'POST', url: form.action.href, form: filled })
}

/** Ways in over the pages: the first page, and who goes on from there. */
export const ways = ['login', 'signUp', 'forgotPassword'] as const
export type Way = (typeof ways)[number]

/** A way in as somebody goes it who knows what they are asked; it may end in the middle. */
export async function goIn(
  world: World,
  browser: Browser,
  tab: Tab,
  going: { asked: Asked; way: Way; filling: Filling; pages: number },
): Promise<void> {
  const { asked, way, filling, pages } = going
  await authorize(world, browser, tab, asked)
  const flow = tab.page?.url.searchParams.get('flow')
  if (way !== 'login' && typeof flow === 'string') {
    const query = new URLSearchParams({ client_id: asked.client, flow })
    const url = `${world.pool.base}${pagePaths[way]}?${query.toString()}`
    await visit(world, browser, tab, { method: 'GET', url, form: undefined })
  }
  for (let page = 0; page < pages; page += 1) {
    const isWaiting = world.pool.byLink && tab.page?.url.pathname.endsWith(pagePaths.confirm) === true
    if (isWaiting) await followLink(world, browser, tab, filling.account)
    const form = tab.page?.forms[0]
    if (form?.action.origin !== world.server.publicUrl) return
    await submit(world, browser, tab, form, { ...filling, knowledge: 'right' })
  }
}

export const operations = [
  'disable',
  'enable',
  'signOut',
  'delete',
  'confirm',
  'setPassword',
  'setTemporary',
  'create',
  'invite',
] as const
export type Operation = (typeof operations)[number]

const changesOf: Readonly<Record<Operation, readonly Change[]>> = {
  disable: ['enabled', 'signOut'],
  enable: ['enabled'],
  signOut: ['signOut'],
  delete: ['delete'],
  confirm: ['confirm'],
  setPassword: ['password', 'confirm', 'signOut'],
  setTemporary: ['password', 'status', 'signOut'],
  create: ['create'],
  invite: ['create'],
}

/** What an operator does with an account, by the domain's own functions. */
export async function operate(world: World, name: AccountName, operation: Operation): Promise<void> {
  const account = world.accounts[name]
  const { domain } = world.server.services
  const userPool = userPoolOf(world.server, world.pool.id)
  const password = `Operator-${world.story.length}`
  const user = account.row && (await domain.store.users.findBySub(userPool.id, account.row.sub))
  if (user === undefined) {
    if (operation !== 'create' && operation !== 'invite') return
    const permanent = operation === 'create'
    const attributes = { email_verified: 'true' }
    await createUser(domain, { userPool, username: account.address, password, attributes, permanent })
  } else if (operation === 'delete') await domain.store.users.delete(userPool.id, user.sub)
  else if (operation === 'disable') await disableUser(domain, user)
  else if (operation === 'enable') await enableUser(domain, user)
  else if (operation === 'signOut') await signOutUser(domain, user)
  else if (operation === 'confirm') await confirmUser(domain, user)
  else if (operation === 'setPassword' || operation === 'setTemporary') {
    await setUserPassword(domain, userPool, user, password, operation === 'setPassword')
  } else return
  const setsPassword = ['create', 'invite', 'setPassword', 'setTemporary'].includes(operation)
  const allowed = { account, changes: changesOf[operation], ...(setsPassword ? { password } : {}) }
  await settle(world, undefined, { allowed: [allowed] })
}

/** Opens the last link that came to a mailbox; a stranger's browser may do so as well. */
export async function followLink(world: World, browser: Browser, tab: Tab, name: AccountName): Promise<void> {
  const { row } = world.accounts[name]
  const link = row === undefined ? undefined : latestMail(world, row.sub, 'sign_up')?.link
  if (link !== undefined) await visit(world, browser, tab, { method: 'GET', url: link.href, form: undefined })
}
