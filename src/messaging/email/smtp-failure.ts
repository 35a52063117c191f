import { DeliveryError } from '../message-sender.ts'

/** What nodemailer adds to its errors. */
interface SmtpError extends Error {
  code?: string
  /** The command that failed, such as `RCPT TO`; `API`, `CONN` and the like for what is no command. */
  command?: string
  /** The server's whole reply. */
  response?: string
  responseCode?: number
}

/**
 * Turns a failed SMTP delivery into one that the outbox understands. A 5xx answer to the recipient or to the message
 * itself is final (RFC 5321 §4.2.1); whatever concerns the connection, the login or the sender address is a matter of
 * settings, and is tried again while somebody puts it right.
 *
 * The server's words are kept only where it has not yet seen the message: a reply to DATA may quote the code.
 */
export function smtpFailure(error: unknown): DeliveryError {
  const { code, command, response, responseCode } = error as SmtpError
  if (responseCode === undefined)
    return new DeliveryError(`SMTP ${code ?? 'failure'}`, { permanent: false, cause: error })
  const aboutMessage = command === 'RCPT TO' || command === 'DATA'
  const status = /^\d{3}[ -](\d\.\d{1,3}\.\d{1,3})\b/.exec(response ?? '')?.[1]
  const words = command === 'RCPT TO' || command === 'MAIL FROM' ? ` ${wordsOf(response ?? '')}` : ''
  return new DeliveryError(
    `SMTP ${responseCode}${status === undefined ? '' : ` ${status}`} at ${command ?? 'connection'}${words}`.trimEnd(),
    { permanent: aboutMessage && isFinal(responseCode), cause: error },
  )
}

// 503 says that the commands came in the wrong order, 530 and 535 ask for a login: none of them judges the message.
const isFinal = (responseCode: number): boolean =>
  responseCode >= 500 && responseCode < 600 && ![503, 530, 535].includes(responseCode)

const wordsOf = (response: string): string => response.replaceAll(/^\d{3}[ -](\d\.\d{1,3}\.\d{1,3} )?/gm, '')
