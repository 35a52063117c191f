import { createUserAgent } from '../../support/user-agent.ts'
import type { VisitedPage } from '../../support/user-agent.ts'
import { headersOf } from '../../support/attackers.ts'
import { callerAt } from './attacked-pool.ts'

/** What a page says of a request: how it went on, or which limit stopped it. Tells when a refusal lacks its time. */
export function fateOf(page: VisitedPage): string {
  const texts = [
    ['network', 'too many attempts from your network'],
    ['recipient', 'No more messages can be sent to this address for now.'],
    ['messages', 'Too many messages are being sent'],
  ] as const
  const [limit] = texts.find(([, text]) => page.text.includes(text)) ?? []
  if (limit === undefined) return page.status === 200 ? page.heading : `${page.status} ${page.heading}`
  const seconds = Number(page.headers.get('retry-after'))
  const told = /You can try again in \d+ (second|minute|hour)/.test(page.text)
  return page.status === 429 && seconds > 0 && seconds <= 86_400 && told ? `limited: ${limit}` : `${limit} untold`
}

/** The sign-in page of a user pool, as somebody at this address sees it. */
export async function pageFrom(base: string, address: string, clientId = 'email'): Promise<VisitedPage> {
  const agent = createUserAgent(new URL(base).origin, headersOf(address))
  return (await callerAt(base, { client_id: clientId }, agent)).page
}
