import type { IncomingMessage } from 'node:http'

/** Who asks, and from where: for limits and for the audit trail, never a reason to let somebody in. */
export interface Caller {
  /** The visitor's IP address in its one canonical spelling; absent: this server itself, or its command line. */
  address?: string
  /** What the browser or program calls itself, cut to a length that a row can hold. */
  userAgent?: string
  /** The request's id, as in the log and on error pages. */
  requestId?: string
  /** The app client in whose flow they ask. */
  clientId?: string
  /** Where and how the owner of an account is told of what is done to it; absent: nobody came through a page. */
  notices?: { notMeUrl: string; languages: readonly string[] }
  /** On the command line: the operator's account on the machine. */
  operator?: string
}

const callers = new WeakMap<IncomingMessage, Caller>()

/** Remembers who asks, before anything looks at the request. */
export const bindCaller = (request: IncomingMessage, caller: Caller): void => {
  callers.set(request, caller)
}

export const callerOf = (request: IncomingMessage): Caller => callers.get(request) ?? {}

/** What serves everybody, in the service of whoever sent this request. */
export const askedBy = <Services extends object>(
  services: Services,
  request: IncomingMessage,
  through: Pick<Caller, 'clientId' | 'notices'> = {},
): Services & { caller: Caller } => ({ ...services, caller: { ...callerOf(request), ...through } })
