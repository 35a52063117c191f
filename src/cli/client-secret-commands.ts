import type { Command } from 'commander'
import type { ClientSecretView } from '../app/administration/client-secret-commands.ts'
import type { Cli } from './cli.ts'
import { confirm } from './confirm.ts'
import { onClient } from './on-client.ts'
import type { PoolOption } from './on-client.ts'
import { printable, table } from './printable.ts'
import { readSecret } from './read-secret.ts'

interface AddOptions extends PoolOption {
  secretStdin?: boolean
  generateSecret?: boolean
}

/** `latchkey client …-secret`: a second secret, for exchanging one while programs still use the other. */
export function addSecretCommands(client: Command, cli: Cli): void {
  onClient(client, 'add-secret', 'give an app client a second secret; both work until one is deleted')
    .option('--secret-stdin', 'read the secret from standard input')
    .option('--generate-secret', 'generate a secret and print it once')
    .action(async (clientId: string, options: AddOptions) => {
      const secret = await readSecret('secret', {
        fromStdin: options.secretStdin === true,
        generate: options.generateSecret === true,
        stdinOption: '--secret-stdin',
        generateOption: '--generate-secret',
      })
      const added = await cli.run('client.addSecret', { userPool: options.pool, clientId, secret })
      cli.answer(added, (view) => `Added the secret ${view.ClientSecretId}.${shownValue(view)}`)
    })
  onClient(client, 'list-secrets', 'list the ids of the secrets of an app client, never their values').action(
    async (clientId: string, { pool }: PoolOption) =>
      cli.answer(await cli.run('client.listSecrets', { userPool: pool, clientId }), ({ ClientSecrets }) =>
        secretTable(ClientSecrets),
      ),
  )
  onClient(client, 'delete-secret', 'delete one of two secrets of an app client; it stops working')
    .argument('<secret-id>')
    .option('--yes', 'do not ask')
    .action(async (clientId: string, secretId: string, { pool, yes }: PoolOption & { yes?: boolean }) => {
      await confirm(`Delete the secret ${printable(secretId)} of ${printable(clientId)}? It stops working.`, yes)
      const deleted = await cli.run('client.deleteSecret', { userPool: pool, clientId, secretId })
      cli.answer(deleted, ({ ClientSecretId }) => `The secret ${ClientSecretId} is deleted.`)
    })
}

const shownValue = ({ ClientSecretValue: value }: ClientSecretView): string =>
  value === undefined ? '' : `\nClientSecret: ${value}`

function secretTable(secrets: readonly ClientSecretView[]): string {
  if (secrets.length === 0) return 'A public client: no secrets.'
  return table(
    ['SECRET ID', 'CREATED'],
    secrets.map((secret) => [secret.ClientSecretId, secret.ClientSecretCreateDate]),
  )
}
