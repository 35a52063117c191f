import type { Mail, TestServer } from './server.ts'
import { callback } from './visitor.ts'

const client = (id: string, to: string): string => `
      - ClientId: ${id}
        CallbackURLs: ['${to}']
        LogoutURLs: ['${new URL(to).origin}/']
        AllowedOAuthFlows: [code]
        AllowedOAuthScopes: [openid, email, phone, profile]`

/** A user pool that confirms sign-ups by link, with the app client that `visitorOf` takes and another one. */
export const linkPoolsOf = (to: string): string => `UserPools:
  - Id: eu-west-1_links
    PoolName: links
    Default: true
    UsernameAttributes: [email]
    AutoVerifiedAttributes: [email]
    VerificationMessageTemplate: { DefaultEmailOption: CONFIRM_WITH_LINK }
    Clients:${client('email', to)}${client('other', to)}
`

export const linkPools = linkPoolsOf(callback)

/** Waits for a message to the address and returns the link in it. `after` skips messages already seen. */
export async function linkFor(server: TestServer, address: string, after: readonly Mail[] = []): Promise<string> {
  const seen = new Set(after.map(({ id }) => id))
  const deadline = Date.now() + 10_000
  while (Date.now() < deadline) {
    const message = (await server.mail()).find(({ id, to }) => to === address && !seen.has(id))
    const link = message && /https?:\S+\/confirmUser\?\S+/.exec(message.text)?.[0]
    if (link !== undefined) return link
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`no link arrived for ${address}`)
}
