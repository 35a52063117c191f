import { createServer, type AddressInfo, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { DeliveryError, type MessageSender, type RenderedMessage } from '../../src/messaging/message-sender.ts'
import { createSmtpSender } from '../../src/messaging/email/smtp-sender.ts'
import { parseSmtpUrl } from '../../src/messaging/email/smtp-url.ts'
import { startSmtpServer, type TestSmtpServer } from './support/smtp-server.ts'

const message = (change: Partial<RenderedMessage> = {}): RenderedMessage => ({
  id: '0b7f6a3c',
  medium: 'EMAIL',
  recipient: 'jo@example.com',
  brandName: 'Acme',
  lang: 'en',
  subject: 'Your code for Acme',
  text: 'Your code is 493817.\n',
  html: '<p>Your code is <b>493817</b>.</p>',
  ...change,
})

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function start(options?: Parameters<typeof startSmtpServer>[0]): Promise<TestSmtpServer> {
  const server = await startSmtpServer(options)
  cleanups.push(() => server.stop())
  return server
}

function senderTo(url: string): MessageSender {
  const sender = createSmtpSender({ url, from: 'no-reply@acme.example' })
  cleanups.push(() => sender.close())
  return sender
}

const send = (sender: MessageSender, change: Partial<RenderedMessage> = {}, signal = new AbortController().signal) =>
  sender.send(message(change), signal)

const failureOf = async (sending: Promise<void>): Promise<DeliveryError> => {
  const error: unknown = await sending.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(DeliveryError)
  return error as DeliveryError
}

describe('a mail', () => {
  it('arrives with both texts, from the brand, marked as sent by a machine', async () => {
    const server = await start()
    await send(senderTo(server.url), { brandName: 'Größe & Söhne', subject: 'Ihr Code für Größe & Söhne', lang: 'de' })
    const [mail] = server.received
    expect(mail).toMatchObject({ from: 'no-reply@acme.example', to: ['jo@example.com'] })
    expect(mail!.parsed.from).toEqual({ name: 'Größe & Söhne', address: 'no-reply@acme.example' })
    expect(mail!.parsed.to).toEqual([{ name: '', address: 'jo@example.com' }])
    expect(mail!.parsed.subject).toBe('Ihr Code für Größe & Söhne')
    expect(mail!.parsed.text).toContain('Your code is 493817.')
    expect(mail!.parsed.html).toContain('<b>493817</b>')
    expect(mail!.parsed.messageId).toBe('<0b7f6a3c@acme.example>')
    const headers = new Map(mail!.parsed.headers.map(({ key, value }) => [key, value]))
    expect(headers.get('auto-submitted')).toBe('auto-generated')
    expect(headers.get('x-auto-response-suppress')).toBe('All')
    expect(headers.get('content-language')).toBe('de')
    expect(headers.has('x-mailer')).toBe(false)
  })

  it('comes from the pool’s own address where it has one, and answers go where it says', async () => {
    const server = await start()
    const own = { address: 'shop@shop.example', replyTo: 'help@shop.example' }
    await send(senderTo(server.url), { sender: own })
    const [mail] = server.received
    expect(mail).toMatchObject({ from: own.address, to: ['jo@example.com'] })
    expect(mail!.parsed.from).toEqual({ name: 'Acme', address: own.address })
    expect(mail!.parsed.replyTo).toEqual([{ name: '', address: own.replyTo }])
    expect(mail!.parsed.messageId).toBe('<0b7f6a3c@shop.example>')
    for (const bad of [{ address: 'x@y.example>\r\nBcc: a@b.example' }, { replyTo: '"a@b.example"@c.example' }]) {
      expect((await failureOf(send(senderTo(server.url), { sender: bad }))).permanent).toBe(true)
    }
    expect(server.received).toHaveLength(1)
  })

  it('has the same Message-ID when it is sent again', async () => {
    const server = await start()
    const sender = senderTo(server.url)
    await send(sender)
    await send(sender)
    expect(new Set(server.received.map((mail) => mail.parsed.messageId)).size).toBe(1)
  })

  it.each([
    'Acme" <mal@example.com>, "',
    'mal@example.com',
    'Acme <mal@example.com>',
    'A, B; C: (d) \\',
    '=?utf-8?q?x?=',
  ])('has one sender and one recipient when the brand is %j', async (brandName) => {
    const server = await start()
    await send(senderTo(server.url), { brandName, subject: brandName })
    const [mail] = server.received
    expect(mail!.to).toEqual(['jo@example.com'])
    expect(mail!.parsed.from?.address).toBe('no-reply@acme.example')
    expect(mail!.parsed.cc).toBeUndefined()
    expect(mail!.parsed.bcc).toBeUndefined()
  })

  it.each([
    { subject: 'Hello\r\nBcc: mal@example.com' },
    { subject: 'Hello\nBcc: mal@example.com' },
    { subject: 'Hello\rBcc: mal@example.com' },
    { subject: 'Hello\u0000' },
    { brandName: 'Acme\r\nBcc: mal@example.com' },
    { lang: 'en\r\nBcc: mal@example.com' },
    { id: 'x>\r\nBcc: mal@example.com' },
    { recipient: 'jo@example.com\r\nRCPT TO:<mal@example.com>' },
    { recipient: '"e@attacker.example"@victim.example' },
    { recipient: 'a@b@example.com' },
    { recipient: 'jo@example.com, mal@example.com' },
    { recipient: 'Jo <jo@example.com>' },
    { recipient: 'jo@ｅxample.com' },
    { recipient: '' },
  ])('is refused for good when a header or address could be two: %j', async (change) => {
    const server = await start()
    const failure = await failureOf(send(senderTo(server.url), change))
    expect(failure.permanent).toBe(true)
    expect(failure.message).not.toContain('mal@')
    expect(server.received).toEqual([])
  })

  it('is no way to read files or fetch URLs', async () => {
    const server = await start()
    await send(senderTo(server.url), { html: '<img src="file:///etc/passwd">', text: 'file:///etc/passwd' })
    expect(server.received[0]!.raw).not.toContain('root:')
    expect(server.received[0]!.parsed.attachments).toEqual([])
  })
})

describe('what a mail server refuses', () => {
  it.each([
    [
      { recipients: [{ responseCode: 550, message: '5.1.1 No such user' }] },
      true,
      'SMTP 550 5.1.1 at RCPT TO No such user',
    ],
    [
      { recipients: [{ responseCode: 451, message: '4.7.1 Come back later' }] },
      false,
      'SMTP 451 4.7.1 at RCPT TO Come back later',
    ],
    [{ recipients: [{ responseCode: 530, message: 'Log in first' }] }, false, 'SMTP 530 at RCPT TO Log in first'],
    [{ data: [{ responseCode: 554, message: '5.7.1 Not with 493817 in it' }] }, true, 'SMTP 554 5.7.1 at DATA'],
    [{ data: [{ responseCode: 452, message: 'Disk full, 493817' }] }, false, 'SMTP 452 at DATA'],
  ])('is final or not: %j', async (refusal, permanent, text) => {
    const server = await start()
    Object.assign(server.refuse, refusal)
    const sender = senderTo(server.url)
    const failure = await failureOf(send(sender))
    expect(failure).toMatchObject({ permanent, message: text })
    await send(sender)
    expect(server.received).toHaveLength(1)
  })

  it('as a login is not final, and the password is not told', async () => {
    const server = await start({
      authOptional: false,
      allowInsecureAuth: true,
      onAuth: (auth, _session, done) => done(new Error(`Invalid password ${auth.password}`)),
    })
    const sender = senderTo(server.url.replace('//', '//mailer:s3cret-password@'))
    const failure = await failureOf(send(sender))
    expect(failure.permanent).toBe(false)
    expect(failure.message).toMatch(/^SMTP 535 at AUTH \w+$/)
  })
})

describe('a mail server that is not there', () => {
  it('is a reason to try again', async () => {
    const server = await startSmtpServer()
    await server.stop()
    const failure = await failureOf(send(senderTo(server.url)))
    expect(failure).toMatchObject({ permanent: false, message: 'SMTP ESOCKET' })
  })

  it('or says nothing, is given up when the time is over', async () => {
    const sockets: Socket[] = []
    const silent = createServer((socket) => void sockets.push(socket))
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    cleanups.push(() => silent.close(), ...sockets.map((socket) => () => socket.destroy()))
    const sender = senderTo(`smtp://127.0.0.1:${(silent.address() as AddressInfo).port}`)
    const failure = await failureOf(send(sender, {}, AbortSignal.timeout(200)))
    expect(failure).toMatchObject({ permanent: false, message: 'SMTP EABORT' })
    for (const socket of sockets) socket.destroy()
  })

  it('and comes back on an open connection, does not lose the next mail', async () => {
    const first = await startSmtpServer()
    const sender = senderTo(first.url)
    await send(sender)
    await first.stop()
    const second = await start({ port: first.port })
    await send(sender)
    expect(second.received).toHaveLength(1)
  })
})

describe('TLS', () => {
  it('is not given up for a server whose certificate nobody vouches for', async () => {
    const server = await start({ hideSTARTTLS: false })
    const failure = await failureOf(send(senderTo(server.url)))
    expect(failure.permanent).toBe(false)
    expect(server.received).toEqual([])
  })

  it('from the start is verified as well', async () => {
    const server = await start({ secure: true })
    await failureOf(send(senderTo(server.url.replace('smtp:', 'smtps:'))))
    expect(server.received).toEqual([])
  })

  it('is insisted on when it is required and not offered', async () => {
    const server = await start()
    const failure = await failureOf(send(senderTo(`${server.url}?requireTLS=true`)))
    expect(failure.permanent).toBe(false)
    expect(server.received).toEqual([])
  })
})

describe('SMTP_URL', () => {
  it.each([
    ['smtp://mail.example.com', { host: 'mail.example.com', port: 587, secure: false, requireTLS: true }],
    ['smtps://mail.example.com', { host: 'mail.example.com', port: 465, secure: true, requireTLS: false }],
    ['smtp://localhost:1025', { host: 'localhost', port: 1025, secure: false, requireTLS: false }],
    ['smtp://[::1]:1025/', { host: '::1', port: 1025, secure: false, requireTLS: false }],
    ['smtp://mailpit:1025?requireTLS=false', { host: 'mailpit', port: 1025, secure: false, requireTLS: false }],
    [
      'smtp://jo%40example.com:p%2Fw%3A@mail.example.com:2525',
      {
        host: 'mail.example.com',
        port: 2525,
        auth: { user: 'jo@example.com', pass: 'p/w:' },
        secure: false,
        requireTLS: true,
      },
    ],
  ])('%s', (url, server) => {
    expect(parseSmtpUrl(url)).toEqual(server)
  })

  it.each([
    'mail.example.com',
    'http://mail.example.com',
    'smtp://',
    'smtp://u:s3cret@mail.example.com:99999',
    'smtp://u:s3cret@mail.example.com/path',
    'smtp://u:s3cret@mail.example.com?tls.rejectUnauthorized=false',
    'smtp://u:s3cret@mail.example.com?requireTLS=no',
    'smtp://u:s3cret@mail.example.com?requireTLS=false',
    'smtp://u:s3cret%ZZ@mail.example.com',
  ])('refuses %s without quoting it', (url) => {
    expect(() => parseSmtpUrl(url)).toThrow(/^(?!.*s3cret).*SMTP_URL/)
  })

  it('needs a plain sender address', () => {
    const from = (address: string) => () => createSmtpSender({ url: 'smtp://localhost', from: address }).close()
    expect(from('no-reply@localhost')).not.toThrow()
    for (const address of ['Acme <a@b.example>', 'a@b.example\r\nBcc: x@y.example', '', 'localhost', ' a@b.example']) {
      expect(from(address)).toThrow('plain e-mail address')
    }
  })
})
