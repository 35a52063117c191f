import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/* The far end of triggers: an HTTP server that does with an event what a test says. */

export interface ReceivedEvent {
  version: string
  triggerSource: string
  region: string
  userPoolId: string
  userName: string
  callerContext: Record<string, unknown>
  request: Record<string, unknown> & { userAttributes?: Record<string, string> }
  response: Record<string, unknown>
}

export interface Received {
  path: string
  headers: IncomingMessage['headers']
  body: string
  event: ReceivedEvent
}

/** What it does with an event: changes it and lets it go back, throws for an errorMessage, or answers by itself. */
export type Reaction = (event: ReceivedEvent, response: ServerResponse) => unknown

export interface TriggerReceiver {
  url: string
  received: Received[]
  /** The sources that have come, in their order, since this was last asked. */
  sources(): readonly string[]
  /** From now on; by trigger source, or `*`. */
  react(reactions: Readonly<Record<string, Reaction>>): void
  stop(): Promise<void>
}

export async function startTriggerReceiver(): Promise<TriggerReceiver> {
  const received: Received[] = []
  let seen = 0
  let reactions: Readonly<Record<string, Reaction>> = {}
  const server = createServer((request, response) => {
    void answer(request, response)
  })
  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
    const body = Buffer.concat(chunks).toString('utf8')
    const event = JSON.parse(body) as ReceivedEvent
    received.push({ path: request.url ?? '', headers: request.headers, body, event: structuredClone(event) })
    const reaction = reactions[event.triggerSource] ?? reactions['*']
    try {
      const back = (await reaction?.(event, response)) ?? event
      if (back !== 'answered') response.setHeader('content-type', 'application/json').end(JSON.stringify(back))
    } catch (error) {
      response.statusCode = 400
      response.end(JSON.stringify({ errorMessage: (error as Error).message, errorType: 'Error' }))
    }
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/hook`,
    received,
    sources() {
      const sources = received.slice(seen).map(({ event }) => event.triggerSource)
      seen = received.length
      return sources
    },
    react(next) {
      reactions = next
    },
    async stop() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
