import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { haveAccount } from '../../support/accounts.ts'
import { movableClock } from '../../support/movable-clock.ts'
import { databaseKinds, startServer } from '../../support/server.ts'
import type { Mail, TestServer } from '../../support/server.ts'
import { settledMail } from '../../support/settled-mail.ts'
import { startTriggerReceiver } from '../../support/trigger-receiver.ts'
import type { Reaction, TriggerReceiver } from '../../support/trigger-receiver.ts'
import { callback, goodPassword, visitorAt, whereItIs } from '../../support/visitor.ts'

/* Messages in the words of a trigger: which it is asked for, with what, and what reaches the mailbox. */

const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'

describe.each(databaseKinds)('on %s', (database) => {
  let server: TestServer
  let receiver: TriggerReceiver
  const clock = movableClock()
  beforeAll(async () => {
    receiver = await startTriggerReceiver()
    const hook = { Webhook: receiver.url, Secret: secret, AllowPrivateAddresses: true, TimeoutSeconds: 0.5, Retries: 0 }
    const pool = (name: string, more: object) => ({
      Id: `eu-west-1_${name}`,
      PoolName: name,
      UsernameAttributes: ['email'],
      AutoVerifiedAttributes: ['email'],
      Triggers: { CustomMessage: hook },
      Clients: [{ ClientId: name, CallbackURLs: [callback], AllowedOAuthScopes: ['openid', 'email'] }],
      ...more,
    })
    const configuration = JSON.stringify({
      UserPools: [
        pool('codes', { EmailVerificationSubject: 'The pool’s own subject' }),
        pool('links', { VerificationMessageTemplate: { DefaultEmailOption: 'CONFIRM_WITH_LINK' } }),
        pool('factors', { MfaConfiguration: 'ON', EmailMfaConfiguration: {} }),
        pool('phones', { UsernameAttributes: ['phone_number'], AutoVerifiedAttributes: ['phone_number'] }),
      ],
    })
    server = await startServer({ database, configuration, clock })
  })
  afterAll(async () => {
    await server.stop()
    await receiver.stop()
  })
  beforeEach(() => {
    receiver.react({})
    receiver.sources()
  })

  let people = 0
  const newAddress = (): string => `reader-${(people += 1)}@example.com`
  const mailTo = async (address: string): Promise<readonly Mail[]> =>
    (await settledMail(server)).filter(({ to }) => to === address)
  const says =
    (texts: Record<string, string>): Reaction =>
    (event) => {
      Object.assign(event.response, texts)
      return event
    }
  const signUp = async (pool: string, username: string, parameters: Record<string, string> = {}) => {
    const visitor = await visitorAt(`${server.publicUrl}/eu-west-1_${pool}`, pool, { parameters })
    const page = await visitor.visit(visitor.login.url.href.replace('/login', '/signup'))
    return { visitor, page: await page.submit({ username, password: goodPassword }) }
  }

  test('a sign-up and its second code, with the code in the trigger’s words', async () => {
    const email = newAddress()
    receiver.react({ '*': says({ emailSubject: 'Hello {####}', emailMessage: '<p>Ihr <b>Code</b>: {####}</p>' }) })
    const { page } = await signUp('codes', email, { lang: 'de' })
    const [first] = await mailTo(email)
    const code = /\d{6}/.exec(first?.text ?? '')?.[0] ?? ''
    expect([first?.subject, first?.text.trim()]).toEqual([`Hello ${code}`, `Ihr Code: ${code}`])
    expect(first?.html).toContain(`<p>Ihr <b>Code</b>: ${code}</p>`)
    expect(receiver.received.at(-1)?.event).toMatchObject({
      triggerSource: 'CustomMessage_SignUp',
      callerContext: { clientId: 'codes', languages: expect.arrayContaining(['de']) as unknown },
      request: {
        userAttributes: { email, 'cognito:user_status': 'UNCONFIRMED' },
        ...{ codeParameter: '{####}', linkParameter: '{##Click Here##}', usernameParameter: null },
      },
      response: { smsMessage: null, emailMessage: null, emailSubject: null },
    })
    // What it sees is not the code.
    expect(receiver.received.at(-1)?.body).not.toContain(code)
    clock.pass(31)
    await page.submit({}, 'Neuen Code senden')
    await settledMail(server)
    expect(receiver.sources()).toEqual(['CustomMessage_SignUp', 'CustomMessage_ResendCode'])
  })

  test('a forgotten password, a second factor and another address', async () => {
    const words = says({ emailMessage: 'Your secret: {####}' })
    receiver.react({ '*': words })
    const email = newAddress()
    await haveAccount(server, { username: email, password: goodPassword, userPoolId: 'eu-west-1_factors' })
    const visitor = await visitorAt(`${server.publicUrl}/eu-west-1_factors`, 'factors')
    const step = await visitor.login.submit({ username: email, password: goodPassword })
    const [mail] = await mailTo(email)
    expect(mail?.text).toMatch(/^Your secret: \d{6}\s*$/)
    expect(whereItIs(await step.submit({ code: /\d{6}/.exec(mail?.text ?? '')?.[0] ?? '' }))).toBe('the app')
    const account = await visitor.visit(`${server.publicUrl}/eu-west-1_factors/account/email`)
    await account.submit({ email: newAddress() })
    const forgot = await visitorAt(`${server.publicUrl}/eu-west-1_factors`, 'factors')
    await (await forgot.login.follow('Forgot your password?')).submit({ username: email })
    await settledMail(server)
    expect(receiver.sources()).toEqual([
      'CustomMessage_Authentication',
      'CustomMessage_UpdateUserAttribute',
      'CustomMessage_ForgotPassword',
      // The address that waits gets one as well.
      'CustomMessage_ForgotPassword',
    ])
  })

  test('a link in the trigger’s words leads where ours would', async () => {
    const email = newAddress()
    receiver.react({ '*': says({ emailMessage: 'Please {##come <i>in</i>##} now' }) })
    await signUp('links', email)
    const [mail] = await mailTo(email)
    expect(mail?.html).toMatch(
      /Please <a href="http:\/\/localhost:\d+\/eu-west-1_links\/confirmUser\?[^"]+">come <i>in<\/i><\/a> now/,
    )
  })

  test('an SMS', async () => {
    receiver.react({ '*': says({ smsMessage: 'Shop: {####}', emailMessage: 'not for a phone {####}' }) })
    await signUp('phones', '+442079460958')
    const [message] = await mailTo('+442079460958')
    expect(message?.text).toMatch(/^Shop: \d{6}$/)
  })

  test('where it says nothing the pool’s own words stand', async () => {
    const email = newAddress()
    await signUp('codes', email)
    expect(await mailTo(email)).toMatchObject([{ subject: 'The pool’s own subject' }])
  })

  test.each<[string, Reaction]>([
    ['forgets the code', says({ emailMessage: 'Welcome!', emailSubject: 'Hello' })],
    ['talks too long', says({ emailMessage: `{####}${'x'.repeat(20_001)}` })],
    ['answers garbage', (event) => ({ ...event, response: { emailMessage: { text: '{####}' } } })],
    ['does not answer', () => 'answered'],
    [
      'fails',
      (_event, response) => {
        response.statusCode = 500
        response.end()
        return 'answered'
      },
    ],
  ])('one that %s keeps nobody from their code', async (_name, reaction) => {
    const email = newAddress()
    receiver.react({ '*': reaction })
    const { page } = await signUp('codes', email)
    const code = await server.codeFor(email)
    expect((await mailTo(email))[0]?.subject).toBe('The pool’s own subject')
    receiver.react({})
    expect(whereItIs(await page.submit({ code }))).toBe('the app')
    const { triggerInvocations } = server.services.domain.store
    const page_ = await triggerInvocations.page({ userPoolId: 'eu-west-1_codes', limit: 1 })
    expect(page_).toMatchObject([{ trigger: 'CustomMessage', outcome: 'Failed' }])
  })

  test('one that throws keeps the message back, and the operator sees it among the dead letters', async () => {
    const email = newAddress()
    receiver.react({
      '*': () => {
        throw new Error('No mail to this one')
      },
    })
    await signUp('codes', email)
    expect(await mailTo(email)).toEqual([])
    const { outbox } = server.services.domain.store
    const dead = await outbox.deadLetters(10)
    expect(JSON.stringify(dead)).toContain('CustomMessage failed with error No mail to this one.')
  })
})
