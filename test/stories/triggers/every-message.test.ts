import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { preTokenGeneration } from '../../../src/domain/triggers/pre-token-generation.ts'
import { createUserOnRequest } from '../../../src/domain/users/operator-triggers.ts'
import { haveAccount, userPoolOf } from '../../support/accounts.ts'
import { movableClock } from '../../support/movable-clock.ts'
import { startServer, withoutLinks } from '../../support/server.ts'
import type { TestServer } from '../../support/server.ts'
import type { VisitedPage } from '../../support/user-agent.ts'
import { callback, goodPassword, visitorAt, whereItIs } from '../../support/visitor.ts'
import { byHttp, byModule } from '../../support/trigger-transports.ts'
import type { Transport } from '../../support/trigger-transports.ts'
import type { ReceivedEvent } from '../../support/trigger-receiver.ts'

/*
 * Each source of the triggers that have to do with messages, once by HTTP and once by a module: one person walks through all that
 * has a message sent, with an e-mail address and with a phone.
 */

const media = {
  mail: {
    settings: {
      UsernameAttributes: ['email'],
      AutoVerifiedAttributes: ['email'],
      MfaConfiguration: 'ON',
      EmailMfaConfiguration: {},
    },
    addresses: ['ada@example.com', 'countess@example.com', 'invited@example.com'],
    page: 'email',
    field: 'email',
  },
  sms: {
    settings: {
      UsernameAttributes: ['phone_number'],
      AutoVerifiedAttributes: ['phone_number'],
      MfaConfiguration: 'ON',
      SmsMfaConfiguration: {},
    },
    addresses: ['+442079460958', '+442079460959', '+442079460960'],
    page: 'phone',
    field: 'phone_number',
  },
} as const

type Medium = keyof typeof media

const sources = [
  ...['SignUp', 'ResendCode', 'Authentication', 'UpdateUserAttribute', 'VerifyUserAttribute', 'ForgotPassword'],
  'AdminCreateUser',
]

describe.each([
  ['by HTTP', byHttp],
  ['by a module', byModule],
])('%s', (_how, transport) => {
  let functions: Transport
  let server: TestServer
  const clock = movableClock()
  beforeAll(async () => {
    functions = await transport()
    const sender = { ...functions.hook, ...functions.sending }
    const pools: [name: string, medium: Medium, triggers: object][] = [
      ['ownmail', 'mail', { CustomEmailSender: sender, CustomSMSSender: sender }],
      ['ownsms', 'sms', { CustomEmailSender: sender, CustomSMSSender: sender }],
      ['wordsmail', 'mail', { CustomMessage: functions.hook }],
      ['wordssms', 'sms', { CustomMessage: functions.hook }],
      ['tokens', 'mail', { PreTokenGeneration: functions.hook }],
    ]
    server = await startServer({
      configuration: JSON.stringify({
        UserPools: pools.map(([name, medium, triggers]) => ({
          Id: `eu-west-1_${name}`,
          PoolName: name,
          ...media[medium].settings,
          Triggers: triggers,
          Clients: [
            {
              ClientId: name,
              CallbackURLs: [callback],
              AllowedOAuthScopes: ['openid', 'aws.cognito.signin.user.admin'],
            },
          ],
        })),
      }),
      clock,
    })
  })
  afterAll(async () => {
    await server.stop()
    await functions.stop()
  })

  const askedIn = async (pool: string) =>
    (await functions.events()).filter(({ userPoolId }) => userPoolId === `eu-west-1_${pool}`)
  const sourcesIn = async (pool: string) => (await askedIn(pool)).map(({ triggerSource }) => triggerSource)

  /** What the function was asked last, once it was asked for this. */
  const asked = async (pool: string, source: string, times = 1): Promise<ReceivedEvent> => {
    const those = async () => (await askedIn(pool)).filter(({ triggerSource }) => triggerSource === source)
    await expect.poll(async () => (await those()).length, { timeout: 10_000 }).toBeGreaterThanOrEqual(times)
    return (await those()).at(-1)!
  }

  /**
   * Signs up, has the code sent again, signs in with a second factor, changes the address, forgets the password, signs in with another browser;
   * and an operator invites somebody.
   * @param codeOf what the message of this source said, the last time
   */
  async function walk(pool: string, medium: Medium, codeOf: (source: string, times: number) => Promise<string>) {
    const { addresses, page: addressPage, field } = media[medium]
    const [username, another, invited] = addresses
    const base = `${server.publicUrl}/eu-west-1_${pool}`
    let factors = 0
    const through = async (page: VisitedPage) => {
      expect(page.html).toContain('name="code"')
      factors += 1
      expect(whereItIs(await page.submit({ code: await codeOf('Authentication', factors) }))).toBe('the app')
    }
    const visitor = await visitorAt(base, pool)
    let page = await (await visitor.login.follow('Create an account')).submit({ username, password: goodPassword })
    const first = await codeOf('SignUp', 1)
    clock.pass(61)
    page = await page.submit({}, 'Send a new code')
    const second = await codeOf('ResendCode', 1)
    expect([first, second]).toEqual([expect.stringMatching(/^\d{6}$/), expect.stringMatching(/^\d{6}$/)])
    page = await page.submit({ code: second })
    if (whereItIs(page) !== 'the app') await through(page)

    const account = await visitor.visit(`${base}/account/${addressPage}`)
    page = await account.submit({ [field]: another })
    await codeOf('UpdateUserAttribute', 1)
    clock.pass(61)
    await page.submit({ resend: '1' }, 'Send a new code')
    expect(await codeOf('VerifyUserAttribute', 1)).toMatch(/^\d{6}$/)

    for (const _browser of ['the same', 'another']) {
      clock.pass(61)
      const again = await visitorAt(base, pool)
      await through(await again.login.submit({ username, password: goodPassword }))
    }

    clock.pass(61)
    const forgetful = await visitorAt(base, pool)
    page = await (await forgetful.login.follow('Forgot your password?')).submit({ username })
    expect(await codeOf('ForgotPassword', 1)).toMatch(/^\d{6}$/)

    const outcome = await createUserOnRequest(server.services.domain, {
      userPool: userPoolOf(server, `eu-west-1_${pool}`),
      username: invited,
      attributes: {},
      password: 'Temporary-1852',
      permanent: false,
      invite: true,
    })
    expect(outcome).toMatchObject({ kind: 'done' })
    expect(await codeOf('AdminCreateUser', 1)).toBe('Temporary-1852')
  }

  test.each([
    ['mail', 'CustomEmailSender', 'customEmailSenderRequestV1'],
    ['sms', 'CustomSMSSender', 'customSMSSenderRequestV1'],
  ] as const)(
    '%s: every message is handed to %s with its code, and none goes another way',
    async (medium, name, type) => {
      const pool = `own${medium}`
      await walk(pool, medium, async (source, times) => {
        const event = await asked(pool, `${name}_${source}`, times)
        expect(event.request).toMatchObject({
          type,
          userAttributes: { 'cognito:user_status': expect.any(String) as string },
        })
        return functions.open(event.request['code'])
      })
      expect(new Set(await sourcesIn(pool))).toEqual(
        new Set(
          [...sources, ...(medium === 'mail' ? ['AccountTakeOverNotification'] : [])].map((one) => `${name}_${one}`),
        ),
      )
      const { addresses } = media[medium]
      // To the former address goes what is none of Cognito’s: that it is about to be replaced.
      const others = (await server.mail()).filter(({ to }) => addresses.some((address) => address === to))
      const words = others.map(({ text }) => withoutLinks(text))
      expect(words.filter((text) => /\d{6}|Temporary/.test(text))).toEqual([])
    },
  )

  test('a sign-in with another browser: CustomEmailSender tells the owner, with what they need to take it back', async () => {
    const event = await asked('ownmail', 'CustomEmailSender_AccountTakeOverNotification')
    expect(event.request).toMatchObject({
      type: 'customEmailSenderRequestV1',
      code: null,
      userAttributes: {
        email: media.mail.addresses[0],
        USER_NAME: event.userName,
        ACCOUNT_TAKE_OVER_ACTION: 'NO_ACTION',
        IP_ADDRESS: '127.0.0.1',
        LOGIN_TIME: expect.stringMatching(/^\d{4}-\d\d-\d\dT/) as string,
      },
    })
    const link = event.request.userAttributes?.['ONE_CLICK_LINK_INVALID'] ?? ''
    expect(await functions.open(event.request['link'])).toBe(link)
    const somebody = await visitorAt(`${server.publicUrl}/eu-west-1_ownmail`, 'ownmail')
    expect((await somebody.visit(link)).heading).toBe('Take your account back')
    const { triggerInvocations } = server.services.domain.store
    const kept = await triggerInvocations.page({ userPoolId: 'eu-west-1_ownmail', limit: 50 })
    expect(kept.map(({ event: shown }) => shown).join()).not.toContain('notMe')
  })

  test.each(['mail', 'sms'] as const)('%s: every message is in the words of CustomMessage', async (medium) => {
    const pool = `words${medium}`
    await walk(pool, medium, async (source, times) => {
      const wanted = `CustomMessage_${source}`
      await asked(pool, wanted, times)
      const messages = async () =>
        (await server.mail()).filter(
          ({ text, to }) => text.startsWith(wanted) && media[medium].addresses.some((one) => one === to),
        )
      await expect.poll(async () => (await messages()).length, { timeout: 10_000 }).toBeGreaterThanOrEqual(times)
      const [newest] = await messages()
      if (medium === 'mail') expect(newest?.subject).toBe(wanted)
      const [, code = ''] = newest?.text.trim().split(' ') ?? []
      return code
    })
    expect(new Set(await sourcesIn(pool))).toEqual(new Set(sources.map((source) => `CustomMessage_${source}`)))
  })

  test.each(['Authentication', 'NewPasswordChallenge', 'AuthenticateDevice', 'RefreshTokens', 'HostedAuth'] as const)(
    'tokens of TokenGeneration_%s: what the pages, and Cognito’s API by the same function, ask',
    async (source) => {
      const userPool = userPoolOf(server, 'eu-west-1_tokens')
      const username = `${source.toLowerCase()}@example.com`
      const user = await haveAccount(server, { username, password: goodPassword, userPoolId: userPool.id })
      const appClient = (await server.services.directory.get(userPool.id))!.appClients.get('tokens')!
      const subject = { user, groups: [] }
      const overrides = await preTokenGeneration(server.services.domain, source, {
        ...{ userPool, appClient, subject },
        scope: 'openid',
      })
      expect(overrides?.id.add).toEqual({ asked: `TokenGeneration_${source}` })
      const event = await asked('tokens', `TokenGeneration_${source}`)
      expect(event.request).toMatchObject({ userAttributes: { email: username }, groupConfiguration: {} })
    },
  )
})
