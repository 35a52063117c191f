import { join } from 'node:path'
import { decodeJwt } from 'jose'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { answerCustomChallenge } from '../../../src/domain/custom-auth/sign-in-by-challenges.ts'
import { disableUser, signOutUser } from '../../../src/domain/users/administer-user.ts'
import { haveAccount } from '../../support/accounts.ts'
import { movableClock } from '../../support/movable-clock.ts'
import { databaseKinds, startServer } from '../../support/server.ts'
import type { TestServer } from '../../support/server.ts'
import { startTriggerReceiver } from '../../support/trigger-receiver.ts'
import type { ReceivedEvent, TriggerReceiver } from '../../support/trigger-receiver.ts'
import type { VisitedPage } from '../../support/user-agent.ts'
import { callback, goodPassword, visitorAt, whereItIs } from '../../support/visitor.ts'

/* Custom challenges on the hosted pages: what is asked, and when it is enough, is for the pool's own triggers to say. */

const withoutPassword = 'Continue without a password'
const module = { Module: join(import.meta.dirname, '..', '..', 'support', 'trigger-modules', 'captcha.cjs') }
const sources = ['DefineAuthChallenge', 'CreateAuthChallenge', 'VerifyAuthChallengeResponse'] as const
const allThree = (to: object) => Object.fromEntries(sources.map((name) => [name, to]))

interface SessionRecord {
  challengeName: string
  challengeResult: boolean
  challengeMetadata?: string | null
}

/** Three tries at the code that went out, by whatever way: the usual function of that kind. */
const threeTries = {
  DefineAuthChallenge_Authentication(event: ReceivedEvent) {
    const session = event.request['session'] as SessionRecord[]
    const isRight = session.at(-1)?.challengeResult === true
    event.response['issueTokens'] = isRight
    event.response['failAuthentication'] = !isRight && session.length >= 3
    event.response['challengeName'] = 'CUSTOM_CHALLENGE'
  },
  CreateAuthChallenge_Authentication(event: ReceivedEvent) {
    event.response['publicChallengeParameters'] = {
      prompt: 'Which code did we send <you>?',
      label: 'The code',
      inputType: 'numeric',
    }
    event.response['privateChallengeParameters'] = { answer: '4711' }
    event.response['challengeMetadata'] = 'CODE-4711'
  },
  VerifyAuthChallengeResponse_Authentication(event: ReceivedEvent) {
    const { answer } = event.request['privateChallengeParameters'] as { answer: string }
    event.response['answerCorrect'] = event.request['challengeAnswer'] === answer
  },
}

describe.each(databaseKinds)('on %s', (database) => {
  let server: TestServer
  let receiver: TriggerReceiver
  const clock = movableClock()
  beforeAll(async () => {
    receiver = await startTriggerReceiver()
    const hook = {
      Webhook: receiver.url,
      Secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
      AllowPrivateAddresses: true,
    }
    const pool = (name: string, triggers: object, more: object = {}) => ({
      Id: `eu-west-1_${name}`,
      PoolName: name,
      UsernameAttributes: ['email'],
      AutoVerifiedAttributes: ['email'],
      Triggers: triggers,
      ...more,
      Clients: [
        { ClientId: name, CallbackURLs: [callback] },
        { ClientId: `${name}-only`, CallbackURLs: [callback], ExplicitAuthFlows: ['ALLOW_CUSTOM_AUTH'] },
        { ClientId: `${name}-legacy`, CallbackURLs: [callback], PreventUserExistenceErrors: 'LEGACY' },
        { ClientId: `${name}-never`, CallbackURLs: [callback], ExplicitAuthFlows: ['ALLOW_USER_SRP_AUTH'] },
      ],
    })
    const configuration = JSON.stringify({
      UserPools: [
        pool('hooked', allThree({ ...hook, Retries: 0 })),
        pool('captcha', allThree(module)),
        pool('guarded', allThree({ ...hook, Retries: 0 }), { MfaConfiguration: 'ON' }),
      ],
    })
    server = await startServer({ database, configuration, clock })
  })
  afterAll(async () => {
    await server.stop()
    await receiver.stop()
  })
  beforeEach(() => {
    receiver.react(threeTries)
    receiver.sources()
  })

  let people = 0
  const haveUser = async (pool = 'hooked') => {
    const username = `person-${(people += 1)}@example.com`
    return {
      username,
      user: await haveAccount(server, { username, password: goodPassword, userPoolId: `eu-west-1_${pool}` }),
    }
  }
  const visit = (client = 'hooked') =>
    visitorAt(`${server.publicUrl}/eu-west-1_${client.split('-')[0] ?? ''}`, client, {})
  const beginAs = async (username: string, client = 'hooked') => {
    const visitor = await visit(client)
    return { visitor, page: await visitor.login.submit({ username }, withoutPassword) }
  }
  const eventsOf = (source: string) => receiver.received.filter(({ event }) => event.triggerSource === source)
  const rowsLeft = async () =>
    (await server.services.database.kysely.selectFrom('custom_sign_ins').select('id_hash').execute()).length

  test('a question in place of a password; a wrong answer may be tried again', async () => {
    const { username, user } = await haveUser()
    const { visitor, page } = await beginAs(username)
    expect([page.heading, page.text]).toEqual([
      'One more question',
      expect.stringContaining('Which code did we send <you>?'),
    ])
    expect(page.html).toContain('&lt;you&gt;')
    expect(page.html).toMatch(/name="answer"[^>]*inputmode="numeric"/)
    expect(page.html).not.toContain('4711')
    const empty = await page.submit({ answer: ' ' })
    expect(empty.text).toContain('Please fill this in.')
    const wrong = await empty.submit({ answer: '0815' })
    expect([wrong.heading, wrong.text.includes('That wasn’t right. Try again.')]).toEqual(['One more question', true])
    const { body } = await visitor.tokensFrom(await wrong.submit({ answer: ' 4711 ' }))
    const claims = decodeJwt(body.id_token ?? '')
    expect(claims).toMatchObject({ sub: user.sub, amr: ['custom'] })
    expect(receiver.sources()).toEqual(
      [
        ...['DefineAuthChallenge', 'CreateAuthChallenge', 'VerifyAuthChallengeResponse'],
        ...['DefineAuthChallenge', 'CreateAuthChallenge', 'VerifyAuthChallengeResponse', 'DefineAuthChallenge'],
      ].map((name) => `${name}_Authentication`),
    )
    const last = eventsOf('DefineAuthChallenge_Authentication').at(-1)?.event
    expect(last).toMatchObject({
      version: '1',
      userName: user.username,
      callerContext: { clientId: 'hooked' },
      request: {
        userAttributes: { sub: user.sub, 'cognito:user_status': 'CONFIRMED', email: username },
        session: [
          { challengeName: 'CUSTOM_CHALLENGE', challengeResult: false, challengeMetadata: 'CODE-4711' },
          { challengeName: 'CUSTOM_CHALLENGE', challengeResult: true, challengeMetadata: 'CODE-4711' },
        ],
      },
      response: { challengeName: null, issueTokens: null, failAuthentication: null },
    })
    expect(eventsOf('VerifyAuthChallengeResponse_Authentication').at(-1)?.event.request).toMatchObject({
      privateChallengeParameters: { answer: '4711' },
      challengeAnswer: '4711',
    })
    expect(await rowsLeft()).toBe(0)
    // What was answered is nobody's business later.
    const { triggerInvocations } = server.services.domain.store
    const kept = await triggerInvocations.page({ userPoolId: 'eu-west-1_hooked', limit: 20 })
    expect(JSON.stringify(kept)).not.toContain('4711"')
  })

  test('when the triggers have had enough it fails as any sign-in does', async () => {
    const { username } = await haveUser()
    let { page } = await beginAs(username)
    for (const answer of ['1', '2', '3']) page = await page.submit({ answer })
    expect([page.heading, page.text.includes('Incorrect username or password')]).toEqual(['Sign in', true])
    expect(page.html).toContain(username)
  })

  test('nobody is asked as somebody would be, and never comes in', async () => {
    const username = `nobody-${(people += 1)}@example.com`
    const { page } = await beginAs(username)
    expect(page.heading).toBe('One more question')
    expect(eventsOf('CreateAuthChallenge_Authentication').at(-1)?.event).toMatchObject({
      userName: username,
      request: { userAttributes: {}, userNotFound: true },
    })
    const right = await page.submit({ answer: '4711' })
    expect(right.text).toContain('Incorrect username or password')
    const { page: told } = await beginAs(username, 'hooked-legacy')
    expect(told.text).toContain('User does not exist')
    // Without a password an account is worth nothing that is not its owner's yet.
    for (const status of ['UNCONFIRMED', 'FORCE_CHANGE_PASSWORD', 'RESET_REQUIRED'] as const) {
      const person = await haveUser()
      const { store, clock: time } = server.services.domain
      await store.users.update(person.user.userPoolId, person.user.sub, { status }, time.now())
      const { page: asked } = await beginAs(person.username)
      expect((await asked.submit({ answer: '4711' })).text).toContain('Incorrect username or password')
    }
  })

  test('a client that allows nothing else asks for the password on the way; AWS’s sample runs as it is', async () => {
    const { username } = await haveUser('captcha')
    const enter = async (password: string): Promise<[VisitedPage, Awaited<ReturnType<typeof visit>>]> => {
      const visitor = await visit('captcha-only')
      return [await visitor.login.submit({ username, password }), visitor]
    }
    expect((await enter('Not-the-one-1'))[0].text).toContain('Incorrect username or password')
    const [page, visitor] = await enter(goodPassword)
    expect([page.heading, page.text]).toEqual(['One more question', expect.stringContaining('What do you read?')])
    expect(page.html).toContain('src="https://images.example/123.jpg"')
    expect(page.headers.get('content-security-policy')).toContain('https://images.example')
    const { body } = await visitor.tokensFrom(await page.submit({ answer: '5' }))
    expect(decodeJwt(body.id_token ?? '')).toMatchObject({ amr: ['pwd', 'custom'] })
    // Without a password that function lets nobody in.
    const { page: refused } = await beginAs(username, 'captcha-only')
    expect(refused.text).toContain('Incorrect username or password')
  })

  test('there is no way round it: not by a sign-up, not by a reset', async () => {
    const visitor = await visit('captcha-only')
    const username = `newcomer-${(people += 1)}@example.com`
    const form = await visitor.login.follow('Create an account')
    const confirming = await form.submit({ username, password: goodPassword })
    const page = await confirming.submit({ code: await server.codeFor(username) })
    expect([page.heading, page.text.includes('Sign in to go on.')]).toEqual(['Sign in', true])
    const question = await page.submit({ username, password: goodPassword })
    expect(question.heading).toBe('One more question')
    // Somebody else's answers count for nobody but them.
    const other = await (
      await page.follow('Create an account')
    ).submit({
      username: `further-${people}@example.com`,
      password: goodPassword,
    })
    const after = await other.submit({ code: await server.codeFor(`further-${people}@example.com`) })
    expect(after.heading).toBe('Sign in')
    expect(whereItIs(await (await visit('captcha-only')).login.submit({ username, password: goodPassword }))).not.toBe(
      'the app',
    )
  })

  test('who has met the challenges has met them for themselves alone', async () => {
    receiver.react({
      ...threeTries,
      DefineAuthChallenge_Authentication(event) {
        const session = event.request['session'] as SessionRecord[]
        event.response['challengeName'] = session.length === 1 ? 'PASSWORD_VERIFIER' : 'CUSTOM_CHALLENGE'
        event.response['issueTokens'] = session.length > 2 && session.at(-1)?.challengeResult === true
      },
    })
    const { username } = await haveUser('guarded')
    const { login } = await visit('guarded-only')
    const question = await login.submit({ username, password: goodPassword })
    const setUp = await question.submit({ answer: '4711' })
    expect(setUp.heading).toBe('Set up an authenticator app')
    const form = await (await setUp.follow('Back to sign-in')).follow('Create an account')
    const other = `other-${(people += 1)}@example.com`
    const confirming = await form.submit({ username: other, password: goodPassword })
    const after = await confirming.submit({ code: await server.codeFor(other) })
    expect([after.heading, after.text.includes('Sign in to go on.')]).toEqual(['Sign in', true])
  })

  test('a reset does not sign in either', async () => {
    const { username } = await haveUser('captcha')
    const forgot = await (await visit('captcha-only')).login.follow('Forgot your password?')
    const page = await forgot.submit({ username })
    const after = await page.submit({ code: await server.codeFor(username), password: 'Different-1852' })
    expect([after.heading, after.text.includes('Sign in to go on.')]).toEqual(['Sign in', true])
  })

  test('right answers lock nobody, however often', async () => {
    const { username } = await haveUser()
    for (let round = 0; round < 8; round += 1) {
      const { page } = await beginAs(username)
      expect(whereItIs(await page.submit({ answer: '4711' }))).toBe('the app')
    }
  })

  test('clients that do not allow it show no such button, and do not begin it', async () => {
    const { username } = await haveUser()
    const visitor = await visit('hooked-never')
    const { login } = visitor
    expect(login.text).not.toContain(withoutPassword)
    receiver.sources()
    const url = login.url.href.replace('/login', '/customSignIn')
    const body = new URLSearchParams({ _csrf: login.field('_csrf') ?? '', flow: login.field('flow') ?? '', username })
    const page = await visitor.visit(url, { method: 'POST', body })
    expect([page.heading, receiver.sources()]).toEqual(['Sign in', []])
  })

  test('a second factor that the pool insists on is asked for all the same', async () => {
    const { username } = await haveUser('guarded')
    const { page } = await beginAs(username, 'guarded')
    expect((await page.submit({ answer: '4711' })).heading).toBe('Set up an authenticator app')
  })

  test('of many answers at once one is looked at', async () => {
    const { username } = await haveUser()
    const { page } = await beginAs(username)
    receiver.sources()
    const pages = await Promise.all(Array.from({ length: 8 }, () => page.submit({ answer: '0815' })))
    expect(receiver.sources().filter((source) => source.startsWith('Verify'))).toHaveLength(1)
    // The others are led to the question that is open now, or told that they were late.
    expect(pages.filter(({ status }) => ![200, 400].includes(status))).toEqual([])
  })

  test('wrong answers lock as wrong codes do', async () => {
    const { username } = await haveUser()
    const answers: number[] = []
    for (let round = 0; round < 4; round += 1) {
      let { page } = await beginAs(username)
      for (const answer of ['1', '2']) {
        page = await page.submit({ answer })
        answers.push(page.status)
      }
    }
    expect(answers.filter((status) => status === 429).length).toBeGreaterThan(0)
    const { page } = await beginAs(username)
    expect((await page.submit({ answer: '4711' })).status).toBe(429)
  })

  test.each([
    ['was disabled', disableUser],
    ['was signed out', signOutUser],
  ])('whoever %s meanwhile does not come in', async (_what, change) => {
    const { username, user } = await haveUser()
    const { page } = await beginAs(username)
    clock.pass(1)
    await change(server.services.domain, user)
    receiver.sources()
    expect((await page.submit({ answer: '4711' })).status).toBe(400)
    // Nobody is even asked.
    expect(receiver.sources()).toEqual([])
  })

  test('answers are limited by network, as codes are', async () => {
    const { domain, directory } = server.services
    const snapshot = await directory.get('eu-west-1_hooked')
    const appClient = snapshot?.appClients.get('hooked')
    if (snapshot === undefined || appClient === undefined) throw new Error('there is no client')
    const isFull: typeof domain.rateLimiter = {
      secondsLeft: () => undefined,
      consume: async ({ limit }) => (limit === 'CodesPerNetwork' ? 60 : undefined),
    }
    const request = { userPool: snapshot.userPool, appClient, idHash: 'nobody’s', answer: '1' }
    expect(await answerCustomChallenge(domain, request)).toMatchObject({ reason: 'attemptExpired' })
    expect(await answerCustomChallenge({ ...domain, rateLimiter: isFull }, request)).toMatchObject({
      reason: 'limitExceeded',
    })
  })

  test('a question that nobody answers in time is over', async () => {
    const { username } = await haveUser()
    const { page } = await beginAs(username)
    clock.pass(601)
    expect((await page.submit({ answer: '4711' })).status).toBe(400)
    await server.services.domain.store.housekeeping.deleteExpired(clock.now(), 1000)
  })

  test.each([
    [
      'throws',
      () => {
        throw new Error('Not on a Sunday.')
      },
      'Not on a Sunday.',
    ],
    ['says nothing', () => undefined, 'Something is in the way at the moment.'],
    [
      'asks for what cannot be asked here',
      (event: ReceivedEvent) => void (event.response['challengeName'] = 'SMS_MFA'),
      'Something is in the way at the moment.',
    ],
    [
      'asks for a password that nobody has typed',
      (event: ReceivedEvent) => void (event.response['challengeName'] = 'PASSWORD_VERIFIER'),
      'Something is in the way at the moment.',
    ],
  ])('a trigger that %s leads back to the sign-in page', async (_what, reaction, text) => {
    const { username } = await haveUser()
    receiver.react({ ...threeTries, DefineAuthChallenge_Authentication: reaction })
    const { page } = await beginAs(username)
    expect([page.heading, page.text]).toEqual(['Sign in', expect.stringContaining(text)])
  })

  test.each([
    ['a zero byte', 'a\0b@example.com'],
    ['half a character', 'a\ud800@example.com'],
    ['an emoji', '😀'],
    ['ten thousand letters', `${'x'.repeat(10_000)}@example.com`],
  ])('a name or an answer with %s is one that is wrong', async (_what, nonsense) => {
    const { page } = await beginAs(nonsense)
    expect(page.heading).toBe('One more question')
    const again = await page.submit({ answer: nonsense })
    expect([again.status, again.heading]).toEqual([200, 'One more question'])
    expect((await again.submit({ answer: '4711' })).text).toContain('Incorrect username or password')
  })

  test('a picture is a picture, whatever a trigger says', async () => {
    const { username } = await haveUser()
    for (const [image, isShown] of [
      ['javascript:alert(1)', false],
      ['http://images.example/1.png', false],
      ['data:text/html,<b>x</b>', false],
      ['https://images.example/"onerror="x', true],
      ['data:image/png;base64,iVBORw0KGgo=', true],
    ] as const) {
      receiver.react({
        ...threeTries,
        CreateAuthChallenge_Authentication: (event) =>
          void (event.response['publicChallengeParameters'] = { image, imageText: 'Five "letters"' }),
      })
      const { page } = await beginAs(username)
      expect([page.html.includes('class="challenge-image"'), page.html.includes('"onerror=')]).toEqual([isShown, false])
      expect(page.text).toContain('Answer to go on.')
    }
  })

  test('triggers that never come to an end are ended', async () => {
    const { username } = await haveUser()
    receiver.react({
      ...threeTries,
      DefineAuthChallenge_Authentication: (event) => void (event.response['challengeName'] = 'CUSTOM_CHALLENGE'),
    })
    let { page } = await beginAs(username)
    for (let round = 0; round < 20; round += 1) page = await page.submit({ answer: '4711' })
    expect([page.heading, page.text.includes('Incorrect username or password')]).toEqual(['Sign in', true])
  })
})
