/** More work than this process takes on at once: answered with 503 and Retry-After, never as a wrong password. */
export class OverloadedError extends Error {
  readonly retryAfterSeconds = 2
  constructor() {
    super('too many passwords are being checked at once')
    this.name = 'OverloadedError'
  }
}
