import type { Command } from 'commander'
import { InvalidArgumentError } from 'commander'
import type { InputOf } from '../app/administration/commands.ts'
import type { UserView } from '../app/administration/user-view.ts'
import type { Cli } from './cli.ts'
import { addConsentCommands } from './consent-commands.ts'
import { confirm } from './confirm.ts'
import { fields, printable, table } from './printable.ts'
import { readSecret } from './read-secret.ts'
import { wholeNumber } from './whole-number.ts'

interface PoolOption {
  pool?: string
}

interface PasswordOptions extends PoolOption {
  passwordStdin?: boolean
  generatePassword?: boolean
  permanent?: boolean
}

/** `latchkey user …`: Cognito's Admin* operations. */
export function addUserCommands(program: Command, cli: Cli): void {
  const user = program.command('user').description('users of a user pool')
  addReading(user, cli)
  addCreate(user, cli)
  addSetPassword(user, cli)
  const simple: readonly [string, string, SimpleCommand, (name: string) => string][] = [
    ['confirm', 'confirm a sign-up without its code', 'user.confirm', (name) => `${name} is confirmed.`],
    ['disable', 'sign a user out and refuse further sign-ins', 'user.disable', (name) => `${name} is disabled.`],
    ['enable', 'let a disabled user sign in again', 'user.enable', (name) => `${name} is enabled.`],
    [
      'sign-out',
      'end all sessions and revoke all tokens of a user',
      'user.signOut',
      (name) => `${name} is signed out.`,
    ],
    [
      'reset-mfa',
      'delete all second factors of a user, who can then set up others',
      'user.resetMfa',
      (name) => `${name} has no second factor any more.`,
    ],
  ]
  for (const [name, description, command, text] of simple) {
    onUser(user, name, description).action(async (username: string, options: PoolOption) => {
      cli.answer(await cli.run(command, target(username, options)), () => text(printable(username)))
    })
  }
  addSetAttribute(user, cli)
  addDelete(user, cli)
  onUser(user, 'add-to-group', 'put a user into a group')
    .argument('<group>')
    .action(async (username: string, group: string, options: PoolOption) => {
      const answer = await cli.run('user.addToGroup', { ...target(username, options), group })
      cli.answer(answer, ({ Groups }) => `${printable(username)} is in: ${Groups.map(printable).join(', ')}`)
    })
  addConsentCommands(user, cli)
}

type SimpleCommand = 'user.confirm' | 'user.disable' | 'user.enable' | 'user.signOut' | 'user.resetMfa'

const inPool = (command: Command): Command =>
  command.option('--pool <id>', 'the user pool, by id or name; the default one if absent')

const onUser = (user: Command, name: string, description: string): Command =>
  inPool(user.command(name).description(description).argument('<username>', 'any sign-in name, or the sub'))

const target = (username: string, { pool }: PoolOption) => ({ userPool: pool, username })

function addReading(user: Command, cli: Cli): void {
  inPool(user.command('list').description('list users by name'))
    .option('--limit <number>', 'how many at most, up to 1000', wholeNumber, 60)
    .option('--after <token>', 'go on behind the page that ended with this NextToken')
    .option('--status <status>', 'only users with this UserStatus, such as UNCONFIRMED')
    .action(async (options: PoolOption & { limit: number; after?: string; status?: string }) => {
      const { pool, limit, after } = options
      const status = options.status as InputOf<'user.list'>['status']
      const page = await cli.run('user.list', { userPool: pool, limit, after, status })
      cli.answer(page, ({ Users, NextToken }) => {
        const more = NextToken === undefined ? '' : `\n\nMore: --after ${printable(JSON.stringify(NextToken))}`
        return Users.length === 0 ? 'No users.' : `${userTable(Users)}${more}`
      })
    })
  onUser(user, 'show', 'show a user with attributes and groups').action(
    async (username: string, options: PoolOption) => {
      const answer = await cli.run('user.show', target(username, options))
      cli.answer(answer, ({ Attributes, Groups, UserMFASettingList, Identities, ...members }) =>
        fields({
          ...members,
          UserMFASettingList: UserMFASettingList.join(', '),
          Groups: Groups.join(', '),
          ...(Identities === undefined ? {} : { Identities: Identities.join(', ') }),
          ...Attributes,
        }),
      )
    },
  )
}

const userTable = (users: readonly UserView[]): string =>
  table(
    ['USERNAME', 'STATUS', 'ENABLED', 'EMAIL', 'CREATED'],
    users.map((user) => [
      user.Username,
      user.UserStatus,
      user.Enabled ? 'yes' : 'no',
      user.Attributes['email'] ?? '',
      user.UserCreateDate,
    ]),
  )

const withPassword = (command: Command): Command =>
  command
    .option('--password-stdin', 'read the password from standard input')
    .option('--generate-password', 'generate a password and print it once')
    .option('--permanent', 'the password stays; otherwise the first sign-in asks for a new one')

type CreateOptions = PasswordOptions & { attribute?: Record<string, string>; invite?: boolean }

const passwordOf = ({ passwordStdin, generatePassword }: PasswordOptions) =>
  readSecret('password', {
    fromStdin: passwordStdin === true,
    generate: generatePassword === true,
    stdinOption: '--password-stdin',
    generateOption: '--generate-password',
  })

function addCreate(user: Command, cli: Cli): void {
  withPassword(inPool(user.command('create').description('create a user')))
    .argument('<username>', "a user name, or an address where the user pool's users sign in by address")
    .option('--attribute <name=value>', 'an attribute, such as email=ada@example.com; may be repeated', attribute)
    .option('--invite', 'send the user the temporary password, by e-mail or else by SMS, and do not print it')
    .action(async (username: string, options: CreateOptions) => {
      const password = await passwordOf(options)
      const { attribute: attributes, permanent, invite } = options
      const asked = { ...target(username, options), attributes, password, permanent, invite }
      const answer = await cli.run('user.create', asked)
      cli.answer(answer, (made) => `Created ${printable(made.Username)} (${made.UserStatus}).${shownPassword(made)}`)
    })
}

function addSetPassword(user: Command, cli: Cli): void {
  withPassword(onUser(user, 'set-password', 'set a password and end all sessions')).action(
    async (username: string, options: PasswordOptions) => {
      const password = await passwordOf(options)
      const { permanent } = options
      const answer = await cli.run('user.setPassword', { ...target(username, options), password, permanent })
      cli.answer(
        answer,
        (now) => `The password of ${printable(username)} is set (${now.UserStatus}).${shownPassword(now)}`,
      )
    },
  )
}

function addSetAttribute(user: Command, cli: Cli): void {
  onUser(user, 'set-attribute', 'set attributes at once; an empty value removes one')
    .argument('<name=value...>', 'such as email=ada@example.com email_verified=true', attribute)
    .action(async (username: string, attributes: Record<string, string>, options: PoolOption) => {
      const answer = await cli.run('user.setAttributes', { ...target(username, options), attributes })
      cli.answer(answer, ({ Attributes }) => fields(Attributes))
    })
}

function addDelete(user: Command, cli: Cli): void {
  onUser(user, 'delete', 'delete a user and everything of theirs')
    .option('--yes', 'do not ask')
    .action(async (username: string, options: PoolOption & { yes?: boolean }) => {
      await confirm(`Delete the user ${printable(username)} for good?`, options.yes)
      cli.answer(await cli.run('user.delete', target(username, options)), () => `${printable(username)} is deleted.`)
    })
}

const shownPassword = ({ Password: password }: { Password?: string }): string =>
  password === undefined ? '' : `\nPassword: ${password}`

function attribute(text: string, previous: Record<string, string> = {}): Record<string, string> {
  const at = text.indexOf('=')
  if (at < 1) throw new InvalidArgumentError('It must have the form name=value.')
  return { ...previous, [text.slice(0, at)]: text.slice(at + 1) }
}
