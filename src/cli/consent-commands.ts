import type { Command } from 'commander'
import type { ConsentView } from '../app/administration/consent-commands.ts'
import type { Cli } from './cli.ts'
import { printable, table } from './printable.ts'

interface PoolOption {
  pool?: string
}

/** `latchkey user consents` and `latchkey user revoke-consent`: what a user has allowed third-party app clients. */
export function addConsentCommands(user: Command, cli: Cli): void {
  onUser(user, 'consents', 'list what a user has allowed third-party app clients').action(
    async (username: string, { pool }: PoolOption) => {
      const answer = await cli.run('user.consents', { userPool: pool, username })
      cli.answer(answer, ({ Consents }) => consentTable(Consents))
    },
  )
  onUser(user, 'revoke-consent', 'take a consent back: the app client loses its tokens and has to ask again')
    .requiredOption('--client <client-id>', 'the app client')
    .action(async (username: string, { pool, client }: PoolOption & { client: string }) => {
      const answer = await cli.run('user.revokeConsent', { userPool: pool, username, clientId: client })
      cli.answer(answer, () => `${printable(username)} allows nothing to ${printable(client)} any more.`)
    })
}

const onUser = (user: Command, name: string, description: string): Command =>
  user
    .command(name)
    .description(description)
    .argument('<username>', 'any sign-in name, or the sub')
    .option('--pool <id>', 'the user pool, by id or name; the default one if absent')

function consentTable(consents: readonly ConsentView[]): string {
  if (consents.length === 0) return 'No consents.'
  return table(
    ['CLIENT ID', 'SINCE', 'SCOPES'],
    consents.map((consent) => [consent.ClientId, consent.CreationDate, consent.Scopes.join(' ')]),
  )
}
