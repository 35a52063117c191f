import type { Command } from 'commander'
import type { AppClientView } from '../app/administration/client-commands.ts'
import { CommandFailure } from '../app/administration/command-failure.ts'
import type { Cli } from './cli.ts'
import { addSecretCommands } from './client-secret-commands.ts'
import { confirm } from './confirm.ts'
import { inPool, onClient } from './on-client.ts'
import type { PoolOption } from './on-client.ts'
import { fields, printable, table } from './printable.ts'
import { readSecret, secretFromStdin } from './read-secret.ts'
import type { GivenSecret } from './read-secret.ts'
import { readSettingsFile } from './read-settings-file.ts'

interface CreateOptions extends PoolOption {
  clientId?: string
  public?: boolean
  secretStdin?: boolean
  callbackUrl?: readonly string[]
  logoutUrl?: readonly string[]
  scope?: readonly string[]
  flow?: readonly string[]
  settings?: string
}

/** `latchkey client …`: app clients of a user pool. */
export function addClientCommands(program: Command, cli: Cli): void {
  const client = program.command('client').description('app clients of a user pool')
  inPool(client.command('list').description('list app clients')).action(async ({ pool }: PoolOption) => {
    cli.answer(await cli.run('client.list', { userPool: pool }), ({ UserPoolClients }) => clientTable(UserPoolClients))
  })
  onClient(client, 'show', 'show an app client, without its secret').action(
    async (clientId: string, { pool }: PoolOption) =>
      cli.answer(await cli.run('client.show', { userPool: pool, clientId }), fields),
  )
  addCreate(client, cli)
  addRotate(client, cli)
  addSecretCommands(client, cli)
  onClient(client, 'delete', 'delete an app client and revoke what it was given')
    .option('--yes', 'do not ask')
    .action(async (clientId: string, { pool, yes }: PoolOption & { yes?: boolean }) => {
      await confirm(`Delete the app client ${printable(clientId)} for good?`, yes)
      const deleted = await cli.run('client.delete', { userPool: pool, clientId })
      cli.answer(deleted, ({ ClientId }) => `App client ${ClientId} is deleted.`)
    })
}

const collect = (value: string, values: readonly string[] = []): readonly string[] => [...values, value]

function addCreate(client: Command, cli: Cli): void {
  inPool(client.command('create').description('create an app client; its generated secret is printed once'))
    .argument('<name>')
    .option('--client-id <id>', 'made up if absent')
    .option('--public', 'without a secret: for browsers, phones and desktops')
    .option('--secret-stdin', 'read the secret from standard input instead of generating one')
    .option('--callback-url <url>', 'where sign-in ends; may be repeated', collect)
    .option('--logout-url <url>', 'where sign-out ends; may be repeated', collect)
    .option('--scope <scope>', 'an allowed scope; may be repeated', collect)
    .option('--flow <flow>', 'code, implicit or client_credentials; may be repeated', collect)
    .option('--settings <file>', 'further members of CreateUserPoolClient, as YAML or JSON; - is standard input')
    .action(async (name: string, options: CreateOptions) => {
      const secret = await secretFor(options)
      const settings = { ...(await readSettingsFile(options.settings)), ...membersOf(name, options) }
      const made = await cli.run('client.create', { userPool: options.pool, settings, secret })
      cli.answer(made, (view) => `Created app client ${view.ClientId} of ${view.UserPoolId}.${shownSecret(view)}`)
    })
}

async function secretFor(options: CreateOptions): Promise<GivenSecret | undefined> {
  const { public: isPublic, secretStdin, settings } = options
  if (secretStdin !== true) return isPublic === true ? undefined : { generate: true }
  if (isPublic === true) throw new CommandFailure('usage', 'A public client has no secret: leave out --secret-stdin.')
  if (settings === '-')
    throw new CommandFailure('usage', 'Standard input cannot hold both the settings and the secret.')
  return { value: await secretFromStdin('secret') }
}

function membersOf(name: string, options: CreateOptions): Record<string, unknown> {
  const { clientId, callbackUrl, logoutUrl, scope, flow } = options
  const list = (member: string, values: readonly string[] | undefined) =>
    values === undefined ? {} : { [member]: values }
  return {
    ClientName: name,
    ...(clientId === undefined ? {} : { ClientId: clientId }),
    ...list('CallbackURLs', callbackUrl),
    ...list('LogoutURLs', logoutUrl),
    ...list('AllowedOAuthScopes', scope),
    ...list('AllowedOAuthFlows', flow),
  }
}

function addRotate(client: Command, cli: Cli): void {
  onClient(client, 'rotate-secret', 'replace every secret of an app client by one; the former ones stop working')
    .option('--secret-stdin', 'read the secret from standard input')
    .option('--generate-secret', 'generate a secret and print it once')
    .option('--yes', 'do not ask')
    .action(async (clientId: string, options: PoolOption & RotateOptions) => {
      await confirm(`Replace the secret of ${printable(clientId)}? The former one stops working.`, options.yes)
      const secret = await readSecret('secret', {
        fromStdin: options.secretStdin === true,
        generate: options.generateSecret === true,
        stdinOption: '--secret-stdin',
        generateOption: '--generate-secret',
      })
      const changed = await cli.run('client.rotateSecret', { userPool: options.pool, clientId, secret })
      cli.answer(changed, (view) => `App client ${view.ClientId} has another secret.${shownSecret(view)}`)
    })
}

interface RotateOptions {
  secretStdin?: boolean
  generateSecret?: boolean
  yes?: boolean
}

const shownSecret = ({ ClientSecret: secret }: AppClientView): string =>
  secret === undefined ? '' : `\nClientSecret: ${secret}`

function clientTable(appClients: readonly AppClientView[]): string {
  if (appClients.length === 0) return 'No app clients.'
  return table(
    ['CLIENT ID', 'NAME', 'SECRET'],
    appClients.map((appClient) => [appClient.ClientId, appClient.ClientName, appClient.HasSecret ? 'yes' : 'public']),
  )
}
