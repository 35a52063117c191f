import { load } from 'cheerio'
import { haveAccount } from '../../support/accounts.ts'
import { linkFor } from '../../support/confirmation-links.ts'
import type { TestServer } from '../../support/server.ts'
import { createUserAgent } from '../../support/user-agent.ts'
import type { UserAgent, VisitedPage } from '../../support/user-agent.ts'
import { goodPassword, whereItIs } from '../../support/visitor.ts'
import { attackedPool, callerAt, signIn } from './attacked-pool.ts'

/* Every form of the hosted pages, at the moment when it is due: what attacks on forms begin with. */

const newPassword = 'Trajectory-1962'

/** The pools that the steps need. */
export const stepPools = (): string =>
  JSON.stringify({
    UserPools: [
      attackedPool(),
      attackedPool({
        Id: 'eu-west-1_links',
        PoolName: 'links',
        Default: false,
        VerificationMessageTemplate: { DefaultEmailOption: 'CONFIRM_WITH_LINK' },
      }),
    ],
  })

/** A browser in front of a form. */
export interface Step {
  agent: UserAgent
  page: VisitedPage
  /** Where the form posts to. */
  action: string
  /** Token, flow and whatever else the form carries by itself. */
  hidden: Record<string, string>
  /** What its owner fills in. */
  right: Record<string, string>
  /** Where the browser is when the step has been done. */
  done: string
}

let made = 0
const nextEmail = (): string => `somebody-${(made += 1)}@example.com`

const stepAt = (
  agent: UserAgent,
  page: VisitedPage,
  right: Record<string, string>,
  done: string,
  button?: string,
): Step => {
  const $ = load(page.html)
  const forms = $('form').toArray()
  const form = button === undefined ? forms[0] : forms.find((one) => $(one).find('button').text().includes(button))
  if (form === undefined) throw new Error(`no form on ${page.url.href}: ${page.text}`)
  const hidden = $(form)
    .find('input[type=hidden]')
    .toArray()
    .map((input): [string, string] => [$(input).attr('name') ?? '', $(input).attr('value') ?? ''])
  const action = new URL($(form).attr('action') ?? '', page.url).href
  return { agent, page, action, hidden: Object.fromEntries(hidden), right, done }
}

const account = async (server: TestServer, temporary = false): Promise<string> => {
  const username = nextEmail()
  await haveAccount(server, { username, password: goodPassword, temporary })
  return username
}

const signUpAt = async (server: TestServer, base = server.publicUrl) => {
  const username = nextEmail()
  const { agent, page } = await callerAt(base)
  const form = await page.follow('Create an account')
  return { username, agent, waiting: await form.submit({ username, password: goodPassword }) }
}

const resetAt = async (server: TestServer) => {
  const username = await account(server)
  const { agent, page } = await callerAt(server.publicUrl)
  const reset = await (await page.follow('Forgot your password?')).submit({ username })
  return { username, agent, reset, code: await server.codeFor(username) }
}

const linkAt = async (server: TestServer, elsewhere: boolean): Promise<Step> => {
  const { username, agent } = await signUpAt(server, `${server.publicUrl}/eu-west-1_links`)
  const opened = elsewhere ? createUserAgent(server.publicUrl) : agent
  const page = await opened.visit(await linkFor(server, username))
  return elsewhere
    ? stepAt(opened, page, { password: goodPassword }, 'Your account is confirmed')
    : stepAt(opened, page, {}, 'the app')
}

/** By what is asked; each with an account of its own. */
export const steps: Readonly<Record<string, (server: TestServer) => Promise<Step>>> = {
  login: async (server) => {
    const username = await account(server)
    const { agent, page } = await callerAt(server.publicUrl)
    return stepAt(agent, page, { username, password: goodPassword }, 'the app')
  },
  signUp: async (server) => {
    const { agent, page } = await callerAt(server.publicUrl)
    const form = await page.follow('Create an account')
    return stepAt(agent, form, { username: nextEmail(), password: goodPassword }, 'Check your messages')
  },
  confirm: async (server) => {
    const { username, agent, waiting } = await signUpAt(server)
    return stepAt(agent, waiting, { code: await server.codeFor(username) }, 'the app')
  },
  resendSignUp: async (server) => {
    const { username, agent, waiting } = await signUpAt(server)
    // So that no mail of its own is still on its way.
    await server.codeFor(username)
    return stepAt(agent, waiting, {}, 'Check your messages', 'new code')
  },
  forgotPassword: async (server) => {
    const username = await account(server)
    const { agent, page } = await callerAt(server.publicUrl)
    const form = await page.follow('Forgot your password?')
    return stepAt(agent, form, { username }, 'Choose a new password')
  },
  resetPassword: async (server) => {
    const { agent, reset, code } = await resetAt(server)
    return stepAt(agent, reset, { code, password: newPassword }, 'the app')
  },
  resendReset: async (server) => {
    const { agent, reset } = await resetAt(server)
    return stepAt(agent, reset, {}, 'Choose a new password', 'new code')
  },
  newPassword: async (server) => {
    const username = await account(server, true)
    const { agent, page } = await callerAt(server.publicUrl)
    return stepAt(agent, await signIn(page, username), { password: newPassword }, 'the app')
  },
  consent: async (server) => {
    const username = await account(server)
    const { agent, page } = await callerAt(server.publicUrl, { client_id: 'partner' })
    return stepAt(agent, await signIn(page, username), { answer: 'allow' }, 'the app')
  },
  selectAccount: async (server) => {
    const username = await account(server)
    const { agent, page } = await callerAt(server.publicUrl)
    if (whereItIs(await signIn(page, username)) !== 'the app') throw new Error('nobody is signed in')
    const again = await callerAt(server.publicUrl, { prompt: 'select_account' }, agent)
    return stepAt(agent, again.page, {}, 'the app')
  },
  confirmLink: (server) => linkAt(server, false),
  confirmLinkElsewhere: (server) => linkAt(server, true),
}
