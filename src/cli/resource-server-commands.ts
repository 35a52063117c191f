import type { Command } from 'commander'
import type { ResourceServerView } from '../app/administration/resource-server-commands.ts'
import type { Cli } from './cli.ts'
import { confirm } from './confirm.ts'
import { printable, table } from './printable.ts'
import { readSettingsFile } from './read-settings-file.ts'

interface PoolOption {
  pool?: string
}

interface CreateOptions extends PoolOption {
  name?: string
  scope?: readonly Scope[]
  settings?: string
}

interface Scope {
  ScopeName: string
  ScopeDescription?: string
}

/** `latchkey resource-server …`: who defines the custom scopes of a user pool. */
export function addResourceServerCommands(program: Command, cli: Cli): void {
  const server = program.command('resource-server').description('resource servers of a user pool, and their scopes')
  inPool(server.command('list').description('list resource servers with their scopes')).action(
    async ({ pool }: PoolOption) => {
      const answer = await cli.run('resourceServer.list', { userPool: pool })
      cli.answer(answer, ({ ResourceServers }) => serverTable(ResourceServers))
    },
  )
  addCreate(server, cli)
  inPool(server.command('delete').description('delete a resource server; its scopes stop working at once'))
    .argument('<identifier>')
    .option('--yes', 'do not ask')
    .action(async (identifier: string, { pool, yes }: PoolOption & { yes?: boolean }) => {
      await confirm(`Delete the resource server ${printable(identifier)} with its scopes for good?`, yes)
      const deleted = await cli.run('resourceServer.delete', { userPool: pool, identifier })
      cli.answer(deleted, ({ AppClients }) => `${printable(identifier)} is deleted.${leftovers(AppClients)}`)
    })
}

const inPool = (command: Command): Command =>
  command.option('--pool <id>', 'the user pool, by id or name; the default one if absent')

function addCreate(server: Command, cli: Cli): void {
  inPool(server.command('create').description('create a resource server'))
    .argument('<identifier>', 'what its scopes begin with, such as https://api.example.com')
    .option('--name <name>', 'what people are shown; the identifier if absent')
    .option('--scope <name=description>', 'a scope; may be repeated', scope)
    .option('--settings <file>', 'members of CreateResourceServer, as YAML or JSON; - is standard input')
    .action(async (identifier: string, { pool, name, scope: scopes, settings: file }: CreateOptions) => {
      const settings = {
        Name: identifier,
        ...(await readSettingsFile(file)),
        Identifier: identifier,
        ...(name === undefined ? {} : { Name: name }),
        ...(scopes === undefined ? {} : { Scopes: scopes }),
      }
      const made = await cli.run('resourceServer.create', { userPool: pool, settings })
      cli.answer(made, (view) => `Created resource server ${printable(view.Identifier)}.\n${scopeLines(view)}`.trim())
    })
}

function scope(text: string, previous: readonly Scope[] = []): readonly Scope[] {
  const at = text.indexOf('=')
  const made = at < 0 ? { ScopeName: text } : { ScopeName: text.slice(0, at), ScopeDescription: text.slice(at + 1) }
  return [...previous, made]
}

const scopesOf = ({ Identifier, Scopes }: ResourceServerView): readonly string[] =>
  Scopes.map(({ ScopeName }) => `${Identifier}/${ScopeName}`)

const scopeLines = (view: ResourceServerView): string => scopesOf(view).map(printable).join('\n')

const leftovers = (appClients: readonly string[]): string =>
  appClients.length === 0
    ? ''
    : `\nStill listed, to no effect, with the app clients: ${appClients.map(printable).join(', ')}`

function serverTable(servers: readonly ResourceServerView[]): string {
  if (servers.length === 0) return 'No resource servers.'
  return table(
    ['IDENTIFIER', 'NAME', 'SCOPES'],
    servers.map((server) => [server.Identifier, server.Name, server.Scopes.map((each) => each.ScopeName).join(', ')]),
  )
}
