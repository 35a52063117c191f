/** A mail server as SMTP_URL names it. */
export interface SmtpServer {
  host: string
  port: number
  /** TLS from the first byte (`smtps:`). */
  secure: boolean
  /** STARTTLS must succeed before anything else is said. */
  requireTLS: boolean
  auth?: { user: string; pass: string }
}

/**
 * Reads `smtp://user:password@host:587` (STARTTLS) or `smtps://…:465` (TLS from the start). Over `smtp:` STARTTLS is
 * required, unless the server is on this machine or `?requireTLS=false` says that the network in between can be trusted;
 * a password never travels unencrypted to another machine. Certificates are always verified.
 *
 * @throws an Error whose text names what is wrong and never quotes the URL, which holds a password
 */
export function parseSmtpUrl(text: string): SmtpServer {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !['smtp:', 'smtps:'].includes(url.protocol) || url.hostname === '') {
    throw new Error('SMTP_URL must look like smtp://user:password@host:587 or smtps://user:password@host:465')
  }
  if (!['', '/'].includes(url.pathname) || url.hash !== '') throw new Error('SMTP_URL must not have a path or fragment')
  const secure = url.protocol === 'smtps:'
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const requireTLS = readRequireTls(url.searchParams) ?? !isLoopback(host)
  const auth = readCredentials(url)
  if (!requireTLS && auth !== undefined && !secure && !isLoopback(host)) {
    throw new Error('SMTP_URL has a password, so it cannot have requireTLS=false')
  }
  return {
    host,
    port: url.port === '' ? (secure ? 465 : 587) : Number(url.port),
    secure,
    requireTLS: !secure && requireTLS,
    ...(auth === undefined ? {} : { auth }),
  }
}

function readRequireTls(query: URLSearchParams): boolean | undefined {
  for (const [name, value] of query) {
    if (name !== 'requireTLS') {
      throw new Error(
        'SMTP_URL knows no parameter but requireTLS; certificates are always verified (NODE_EXTRA_CA_CERTS adds an authority)',
      )
    }
    if (value !== 'true' && value !== 'false') throw new Error('requireTLS in SMTP_URL must be true or false')
  }
  const value = query.get('requireTLS')
  return value === null ? undefined : value === 'true'
}

function readCredentials(url: URL): SmtpServer['auth'] {
  if (url.username === '' && url.password === '') return undefined
  try {
    return { user: decodeURIComponent(url.username), pass: decodeURIComponent(url.password) }
  } catch {
    throw new Error('The user name and password in SMTP_URL must be percent-encoded')
  }
}

const isLoopback = (host: string): boolean => host === 'localhost' || host === '::1' || /^127(\.\d+){3}$/.test(host)
