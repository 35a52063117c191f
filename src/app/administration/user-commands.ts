import { z } from 'zod'
import { resetMfa } from '../../domain/mfa/reset-mfa.ts'
import type { UserPool } from '../../domain/user-pools/user-pool.ts'
import {
  addUserToGroup,
  deleteUser,
  disableUser,
  enableUser,
  setUserPassword,
  signOutUser,
} from '../../domain/users/administer-user.ts'
import { confirmUserOnRequest, createUserOnRequest } from '../../domain/users/operator-triggers.ts'
import type { CreateUserOutcome } from '../../domain/users/administer-user.ts'
import { invitedAt } from '../../domain/users/invite-user.ts'
import { generatePassword } from '../../domain/users/generate-password.ts'
import { setUserAttributes } from '../../domain/users/set-user-attributes.ts'
import { lookupKey } from '../../domain/users/sign-in-name.ts'
import type { User } from '../../domain/users/user.ts'
import { defineCommand } from './administration.ts'
import type { Administration } from './administration.ts'
import { CommandFailure } from './command-failure.ts'
import { requireUser, requireUserPool, userPoolSelector } from './find.ts'
import { attributeProblem, passwordProblem, userView } from './user-view.ts'
import type { UserView } from './user-view.ts'

const target = { userPool: userPoolSelector, username: z.string().min(1).max(256) }

const password = z.union([
  z.strictObject({ value: z.string().min(1).max(4096) }),
  z.strictObject({ generate: z.literal(true) }),
])

const userStatus = z.enum([
  'UNCONFIRMED',
  'CONFIRMED',
  'FORCE_CHANGE_PASSWORD',
  'RESET_REQUIRED',
  'EXTERNAL_PROVIDER',
  'ARCHIVED',
  'COMPROMISED',
  'UNKNOWN',
])

/** Cognito's ListUsers, ordered by user name. `NextToken` is there when there are more. */
export const listUsers = defineCommand(
  z.strictObject({
    userPool: userPoolSelector,
    limit: z.int().min(1).max(1000).default(60),
    after: z.string().max(512).optional(),
    status: userStatus.optional(),
  }),
  async (administration, { limit, after, status, ...input }): Promise<{ Users: UserView[]; NextToken?: string }> => {
    const userPool = requireUserPool(administration, input.userPool)
    const users = await administration.domain.store.users.page({
      userPoolId: userPool.id,
      limit: limit + 1,
      ...(after === undefined ? {} : { after }),
      ...(status === undefined ? {} : { status }),
    })
    const page = users.slice(0, limit)
    const last = page.at(-1)
    const more = users.length > limit && last !== undefined
    return { Users: page.map(userView), ...(more ? { NextToken: lookupKey(userPool, last.username) } : {}) }
  },
)

/** Cognito's AdminGetUser and AdminListGroupsForUser. */
export const showUser = defineCommand(z.strictObject(target), (administration, input) =>
  onUser(administration, input, async ({ domain }, user): Promise<UserView & { Groups: string[] }> => {
    const groups = await domain.store.groups.ofUser(user.userPoolId, user.sub)
    return { ...userView(user), Groups: groups.map(({ name }) => name) }
  }),
)

/** Cognito's AdminCreateUser. `Password` is there when it was generated. */
export const createUserCommand = defineCommand(
  z.strictObject({
    ...target,
    attributes: z.record(z.string().min(1).max(64), z.string().max(4096)).default({}),
    password,
    permanent: z.boolean().default(false),
    invite: z.boolean().default(false),
  }),
  async (administration, input): Promise<UserView & { Password?: string }> => {
    if (input.invite && input.permanent) {
      throw new CommandFailure('usage', 'An invitation carries a temporary password: it cannot be permanent.')
    }
    const userPool = requireUserPool(administration, input.userPool)
    const chosen = choosePassword(administration, userPool, input.password)
    const outcome = await createUserOnRequest(administration.domain, {
      userPool,
      username: input.username,
      attributes: input.attributes,
      password: chosen.password,
      permanent: input.permanent,
      invite: input.invite,
    })
    if (outcome.kind === 'refused') throw refusal(userPool, input.username, outcome)
    const invited = input.invite ? invitedAt(outcome.user) : undefined
    if (input.invite && invited === undefined) {
      throw new CommandFailure(
        'failed',
        'The user was made and not invited: there is neither an e-mail address nor a phone number.',
      )
    }
    // Whoever is invited has it from there.
    return { ...userView(outcome.user), ...(invited === undefined ? chosen.shown : {}) }
  },
)

function refusal(
  userPool: UserPool,
  username: string,
  outcome: Exclude<CreateUserOutcome, { kind: 'done' }>,
): CommandFailure {
  switch (outcome.reason) {
    case 'usernameExists':
      return new CommandFailure('refused', `User pool ${userPool.id} has a user ${JSON.stringify(username)} already.`)
    case 'invalidUsername': {
      const wanted = userPool.usernameAttributes.join(' or ') || 'a user name without blanks, not an address'
      return new CommandFailure(
        'refused',
        `${JSON.stringify(username)} cannot sign in to this user pool: it wants ${wanted}.`,
      )
    }
    case 'invalid': {
      const broken = outcome.brokenRules.length > 0 ? [passwordProblem(userPool, outcome.brokenRules)] : []
      return new CommandFailure('refused', [attributeProblem(outcome.attributeProblems), ...broken].join(' ').trim())
    }
  }
}

/** Cognito's AdminSetUserPassword; ends all sessions of the user. `Password` is there when it was generated. */
export const setPassword = defineCommand(
  z.strictObject({ ...target, password, permanent: z.boolean().default(false) }),
  async (administration, input): Promise<UserView & { Password?: string }> => {
    const userPool = requireUserPool(administration, input.userPool)
    const user = await requireUser(administration, userPool, input.username)
    const chosen = choosePassword(administration, userPool, input.password)
    const broken = await setUserPassword(administration.domain, userPool, user, chosen.password, input.permanent)
    if (broken.length > 0) throw new CommandFailure('refused', passwordProblem(userPool, broken))
    return { ...userView(await requireUser(administration, userPool, user.sub)), ...chosen.shown }
  },
)

function choosePassword(
  { domain }: Administration,
  userPool: UserPool,
  given: z.output<typeof password>,
): { password: string; shown: { Password?: string } } {
  if ('value' in given) return { password: given.value, shown: {} }
  const generated = generatePassword(domain.random, userPool.passwordPolicy)
  return { password: generated, shown: { Password: generated } }
}

/** Cognito's AdminUpdateUserAttributes; an empty value removes the attribute. */
export const setAttributes = defineCommand(
  z.strictObject({ ...target, attributes: z.record(z.string().min(1).max(64), z.string().max(4096)) }),
  (administration, { attributes, ...input }) =>
    onUser(administration, input, async ({ domain }, user, userPool) => {
      const outcome = await setUserAttributes(domain, userPool, user, attributes)
      if (outcome.kind === 'refused') {
        throw new CommandFailure(
          'refused',
          outcome.reason === 'invalid'
            ? attributeProblem(outcome.problems)
            : 'Another user of this user pool signs in with that address.',
        )
      }
      return userView(await requireUser(administration, userPool, user.sub))
    }),
)

/** Cognito's AdminConfirmSignUp. */
export const confirmUserCommand = defineCommand(z.strictObject(target), (administration, input) =>
  onUser(administration, input, async ({ domain }, user, userPool) => {
    if (!(await confirmUserOnRequest(domain, userPool, user))) {
      throw new CommandFailure('refused', `User ${user.username} is not waiting for confirmation (${user.status}).`)
    }
    return userView(await requireUser(administration, userPool, user.sub))
  }),
)

/** Cognito's AdminEnableUser. */
export const enableUserCommand = changing((administration, user) => enableUser(administration.domain, user))

/** Cognito's AdminDisableUser. */
export const disableUserCommand = changing((administration, user) => disableUser(administration.domain, user))

/** Cognito's AdminUserGlobalSignOut. */
export const signOutUserCommand = changing((administration, user) => signOutUser(administration.domain, user))

/** All second factors of a user go (Cognito: AdminDeleteSoftwareToken and more). */
export const resetMfaCommand = changing((administration, user) => resetMfa(administration.domain, user))

/** Cognito's AdminDeleteUser: with codes, sessions, grants and group memberships. */
export const deleteUserCommand = defineCommand(z.strictObject(target), (administration, input) =>
  onUser(administration, input, async ({ domain }, user) => {
    await deleteUser(domain, user)
    return userView(user)
  }),
)

/** Cognito's AdminAddUserToGroup. */
export const addUserToGroupCommand = defineCommand(
  z.strictObject({ ...target, group: z.string().min(1).max(128) }),
  (administration, { group, ...input }) =>
    onUser(administration, input, async ({ domain }, user, userPool) => {
      if (!(await addUserToGroup(domain, user, group))) {
        throw new CommandFailure('notFound', `There is no group ${JSON.stringify(group)} in user pool ${userPool.id}.`)
      }
      const now = await domain.store.groups.ofUser(userPool.id, user.sub)
      return { ...userView(user), Groups: now.map(({ name }) => name) }
    }),
)

/** A command that changes a user who is there, and answers what has become of it. */
function changing(change: (administration: Administration, user: User) => Promise<unknown>) {
  return defineCommand(z.strictObject(target), (administration, input) =>
    onUser(administration, input, async (_administration, user, userPool) => {
      await change(administration, user)
      return userView(await requireUser(administration, userPool, user.sub))
    }),
  )
}

async function onUser<T>(
  administration: Administration,
  input: { userPool?: string | undefined; username: string },
  work: (administration: Administration, user: User, userPool: UserPool) => Promise<T>,
): Promise<T> {
  const userPool = requireUserPool(administration, input.userPool)
  return work(administration, await requireUser(administration, userPool, input.username), userPool)
}
