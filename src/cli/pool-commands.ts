import type { Command } from 'commander'
import type { UserPoolView } from '../app/administration/pool-commands.ts'
import type { Cli } from './cli.ts'
import { confirm } from './confirm.ts'
import { fields, printable, table } from './printable.ts'
import { readSettingsFile } from './read-settings-file.ts'

interface CreateOptions {
  id?: string
  issuer?: string
  domain?: readonly string[]
  default?: boolean
  settings?: string
}

const selector = 'its id or name'

/** `latchkey pool …`: user pools. */
export function addPoolCommands(program: Command, cli: Cli): void {
  const pool = program.command('pool').description('user pools')
  pool
    .command('list')
    .description('list user pools, oldest first')
    .action(async () => cli.answer(await cli.run('pool.list', {}), ({ UserPools }) => poolTable(UserPools)))
  pool
    .command('show')
    .description('show a user pool with its settings')
    .argument('[id]', `${selector}; the default one if absent`)
    .action(async (id: string | undefined) => cli.answer(await cli.run('pool.show', { userPool: id }), fields))
  addCreate(pool, cli)
  addSetIssuer(pool, cli)
  addSignOut(pool, cli)
  pool
    .command('delete')
    .description('delete a user pool with its users, app clients and keys')
    .argument('<id>', selector)
    .option('--yes', 'do not ask')
    .action(async (id: string, { yes }: { yes?: boolean }) => {
      await confirm(`Delete the user pool ${printable(id)} with all its users for good?`, yes)
      cli.answer(await cli.run('pool.delete', { userPool: id }), ({ Id }) => `User pool ${Id} is deleted.`)
    })
}

function addCreate(pool: Command, cli: Cli): void {
  pool
    .command('create')
    .description('create a user pool with its signing keys')
    .argument('<name>')
    .option('--id <id>', 'such as us-east-1_example; made up if absent')
    .option('--issuer <url>', 'permanent; PUBLIC_URL/<id> if absent')
    .option('--domain <host>', 'where it is served; may be repeated', (host, hosts: string[] = []) => [...hosts, host])
    .option('--default', 'also serve it at PUBLIC_URL itself; the first user pool is the default one anyway')
    .option('--settings <file>', 'further members of CreateUserPool, as YAML or JSON; - is standard input')
    .action(async (name: string, options: CreateOptions) => {
      const { id, issuer, domain: domains } = options
      const settings = {
        ...(await readSettingsFile(options.settings)),
        PoolName: name,
        ...(id === undefined ? {} : { Id: id }),
        ...(issuer === undefined ? {} : { Issuer: issuer }),
        ...(domains === undefined ? {} : { Domains: domains }),
        ...(options.default === true ? { Default: true } : {}),
      }
      const made = await cli.run('pool.create', { settings }, { makesDatabase: true })
      cli.answer(made, ({ Id, Issuer }) => `Created user pool ${Id}.\nIssuer: ${Issuer}`)
    })
}

function addSetIssuer(pool: Command, cli: Cli): void {
  pool
    .command('set-issuer')
    .description('give a user pool another issuer: tokens issued so far stop being accepted')
    .argument('<id>', selector)
    .argument('<url>', 'such as https://id.example.com')
    .option('--yes', 'do not ask')
    .action(async (id: string, issuer: string, { yes }: { yes?: boolean }) => {
      const question = `Change the issuer of ${printable(id)} to ${printable(issuer)}? Every application that verifies its tokens must follow.`
      await confirm(question, yes)
      const changed = await cli.run('pool.setIssuer', { userPool: id, issuer })
      cli.answer(changed, ({ Id, Issuer, PreviousIssuer }) => `Issuer of ${Id}: ${PreviousIssuer} -> ${Issuer}`)
    })
}

function addSignOut(pool: Command, cli: Cli): void {
  pool
    .command('sign-out')
    .description('end all sessions and revoke all tokens of all users of a user pool')
    .option('--pool <id>', 'the user pool, by id or name; the default one if absent')
    .option('--yes', 'do not ask')
    .action(async ({ pool: userPool, yes }: { pool?: string; yes?: boolean }) => {
      const which = userPool === undefined ? 'the default user pool' : `the user pool ${printable(userPool)}`
      await confirm(`Sign everybody of ${which} out everywhere?`, yes)
      const answer = await cli.run('pool.signOut', { userPool })
      cli.answer(
        answer,
        ({ Id, Sessions, RefreshTokens }) =>
          `Everybody is signed out of ${Id}: ${Sessions} sessions and ${RefreshTokens} refresh tokens ended.`,
      )
    })
}

function poolTable(userPools: readonly UserPoolView[]): string {
  if (userPools.length === 0) return 'No user pools.'
  return table(
    ['ID', 'NAME', 'DEFAULT', 'ISSUER', 'DOMAINS'],
    userPools.map((userPool) => [
      userPool.Id,
      userPool.PoolName,
      userPool.Default ? 'yes' : '',
      userPool.Issuer,
      userPool.Domains.join(', '),
    ]),
  )
}
