import { SMTPServer } from 'smtp-server'

/* A mail server in a process of its own, which takes everything and keeps nothing. Its address is its first line. */

const server = new SMTPServer({
  hideSTARTTLS: true,
  authOptional: true,
  disableReverseLookup: true,
  logger: false,
  onData(stream, _session, done) {
    stream.on('end', () => done()).resume()
  },
})
server.listen(0, '127.0.0.1', () => {
  const address = server.server.address()
  if (address === null || typeof address === 'string') throw new Error('the mail sink has no port')
  process.stdout.write(`smtp://127.0.0.1:${address.port}\n`)
})
