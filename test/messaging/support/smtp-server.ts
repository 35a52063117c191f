import type { AddressInfo } from 'node:net'
import PostalMime, { type Email } from 'postal-mime'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'

export interface ReceivedMail {
  from: string
  to: string[]
  raw: string
  parsed: Email
}

export interface TestSmtpServer {
  url: string
  port: number
  received: ReceivedMail[]
  /** Answers to the next recipients and messages, first come first served; then all are accepted. */
  refuse: { recipients: SmtpRefusal[]; data: SmtpRefusal[] }
  stop(): Promise<void>
}

export interface SmtpRefusal {
  responseCode: number
  /** A server may quote the message that it refuses. */
  message: string | ((raw: string) => string)
}

const asError = ({ message, responseCode }: SmtpRefusal, raw = '') =>
  Object.assign(new Error(typeof message === 'string' ? message : message(raw)), { responseCode })

/** A mail server on a free loopback port that keeps what it takes. Without TLS unless the options say so. */
export async function startSmtpServer(options: SMTPServerOptions & { port?: number } = {}): Promise<TestSmtpServer> {
  const received: ReceivedMail[] = []
  const refuse: TestSmtpServer['refuse'] = { recipients: [], data: [] }
  const server = new SMTPServer({
    hideSTARTTLS: true,
    authOptional: true,
    disableReverseLookup: true,
    logger: false,
    closeTimeout: 100,
    onRcptTo(_address, _session, done) {
      const refusal = refuse.recipients.shift()
      done(refusal && asError(refusal))
    },
    onData(stream, session, done) {
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('end', () => {
        const refusal = refuse.data.shift()
        const raw = Buffer.concat(chunks).toString('utf8')
        if (refusal) return done(asError(refusal, raw))
        const { mailFrom, rcptTo } = session.envelope
        const envelope = { from: mailFrom ? mailFrom.address : '', to: rcptTo.map(({ address }) => address) }
        void PostalMime.parse(raw).then((parsed) => {
          received.push({ ...envelope, raw, parsed })
          done()
        })
      })
    },
    ...options,
  })
  // A client that goes away in the middle is part of some tests.
  server.on('error', () => {})
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve))
  const { port } = server.server.address() as AddressInfo
  return {
    url: `smtp://127.0.0.1:${port}`,
    port,
    received,
    refuse,
    stop: () => new Promise((resolve) => server.close(() => resolve())),
  }
}
