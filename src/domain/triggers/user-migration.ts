import { z } from 'zod'
import { onRecord } from '../audit/record.ts'
import { admitGuess, takeBackGuess } from '../lock-out/admit-guess.ts'
import { guessByName } from '../lock-out/guess.ts'
import type { DomainServices } from '../ports/services.ts'
import type { NewUser } from '../ports/new-user.ts'
import type { Repositories } from '../ports/store.ts'
import { regionOf } from '../user-pools/region.ts'
import type { UserPool } from '../user-pools/user-pool.ts'
import { isKnownAttribute } from '../users/attribute-schema.ts'
import { identifiersOf, lookupKey, readSignInName } from '../users/sign-in-name.ts'
import type { User } from '../users/user.ts'
import { missingAttributes, validateAttributes } from '../users/validate-attributes.ts'
import { callerContext } from './envelope.ts'
import { fireTrigger } from './fire-trigger.ts'
import { TriggerFailure } from './trigger-failure.ts'
import type { TriggerWhere } from './user-triggers.ts'

/* Users who are still somewhere else come over as they sign in or forget their password (reference: triggers §9). */

const answer = z.object({
  userAttributes: z.record(z.string(), z.string()).nullish(),
  finalUserStatus: z.enum(['CONFIRMED', 'RESET_REQUIRED']).nullish(),
  enableSMSMFA: z.boolean().nullish(),
})

type MigrationAnswer = z.output<typeof answer>

const trigger = 'UserMigration'

/** At a sign-in: the password that was typed. At a forgotten one there is none. */
type Source = (
  { kind: 'Authentication'; password: string; browserHash?: string | undefined } | { kind: 'ForgotPassword' }
) & {
  /** Whom the name finds here. */
  holder: User | undefined
}

/**
 * Asks for a user whom nobody here has. A sign-up that nobody has confirmed is nobody either: anybody can begin one with
 * somebody's address before they come over. Whatever keeps it from coming is for the record: to the person it is as if there
 * were nobody, as it is for everybody else without an account (threat row B13).
 * @param typed as it was typed
 */
export async function migrateUser(
  services: DomainServices,
  where: TriggerWhere,
  typed: string,
  source: Source,
): Promise<User | undefined> {
  const { userPool } = where
  const { holder } = source
  if (userPool.triggers.UserMigration === undefined || !isName(userPool, typed)) return undefined
  if (holder !== undefined && !(holder.status === 'UNCONFIRMED' && holder.enabled)) return undefined
  // Passwords of another place are guessed here no faster than our own.
  if (source.kind === 'Authentication' && !(await mayGuess(services, userPool, typed, source))) return undefined
  try {
    const migrated = await ask(services, where, typed, source)
    const isThere = migrated?.userAttributes !== undefined && migrated.userAttributes !== null
    return isThere ? await addMigrated(services, where, typed, source, migrated) : undefined
  } catch (error) {
    if (!(error instanceof TriggerFailure)) throw error
    return undefined
  }
}

/** An address that is an alias is no user name, and may be somebody's all the same. */
function isName(userPool: UserPool, typed: string): boolean {
  const name = readSignInName(userPool, typed)
  return name.kind !== 'invalid' || name.problem === 'looksLikeEmail' || name.problem === 'looksLikePhone'
}

/** The check of the password that follows counts the guess. */
async function mayGuess(
  services: DomainServices,
  userPool: UserPool,
  name: string,
  { browserHash, holder }: Extract<Source, { kind: 'Authentication' }>,
): Promise<boolean> {
  const guess = await guessByName(services, userPool, 'password', { userSub: holder?.sub, name, browserHash })
  const admission = await admitGuess(services, userPool, guess)
  if (admission.kind !== 'admitted') return false
  await takeBackGuess(services, userPool, admission)
  return true
}

function ask(
  services: DomainServices,
  { userPool, appClient, languages }: TriggerWhere,
  userName: string,
  source: Source,
): Promise<MigrationAnswer | undefined> {
  const event = {
    version: '1',
    triggerSource: `UserMigration_${source.kind}`,
    region: regionOf(userPool),
    userPoolId: userPool.id,
    userName,
    callerContext: callerContext(services.caller, appClient, languages),
    request: { password: source.kind === 'Authentication' ? source.password : '', validationData: null },
    response: {
      ...{ userAttributes: null, forceAliasCreation: null, enableSMSMFA: null, finalUserStatus: null },
      ...{ messageAction: null, desiredDeliveryMediums: null },
    },
  }
  return fireTrigger(services, userPool, trigger, event, answer)
}

/** @throws TriggerFailure where what it says makes no user of this pool */
async function addMigrated(
  services: DomainServices,
  { userPool }: TriggerWhere,
  typed: string,
  source: Source,
  migrated: MigrationAnswer,
): Promise<User | undefined> {
  const isWhole = source.kind === 'Authentication' && migrated.finalUserStatus === 'CONFIRMED'
  // Their own password policy let it in; ours is for new ones.
  const passwordHash = isWhole ? await services.passwordHasher.hash(source.password) : undefined
  const user = {
    ...userFrom(services, userPool, typed, migrated, isWhole),
    ...(passwordHash === undefined ? {} : { passwordHash }),
  }
  // Somebody has it meanwhile: the same person in another window, or another one whose address it is.
  return (await takePlace(services, user, source.holder))
    ? user
    : services.store.users.findByIdentifier(userPool.id, lookupKey(userPool, typed))
}

/** The sign-up goes with all that it has, and its name is another user's; or all stays as it was. */
class NameTaken extends Error {}

/** @returns whether the user is there now: else a name is somebody's */
async function takePlace(services: DomainServices, user: NewUser, holder: User | undefined): Promise<boolean> {
  const { userPoolId, sub: userSub, status } = user
  const by = { by: trigger }
  const work = async (tx: Repositories): Promise<void> => {
    if (holder !== undefined && !(await tx.users.deleteUnconfirmed(userPoolId, holder.sub))) throw new NameTaken()
    if ((await tx.users.add(user)) !== undefined) throw new NameTaken()
  }
  try {
    await onRecord(services, work, () => [
      ...(holder === undefined
        ? []
        : [{ userPoolId, eventType: 'UserDelete' as const, userSub: holder.sub, detail: by }]),
      { userPoolId, eventType: 'UserCreate', userSub, detail: { status, ...by } },
    ])
    return true
  } catch (error) {
    if (!(error instanceof NameTaken)) throw error
    return false
  }
}

function userFrom(
  services: Pick<DomainServices, 'clock' | 'random'>,
  userPool: UserPool,
  typed: string,
  { userAttributes, enableSMSMFA }: MigrationAnswer,
  isWhole: boolean,
): NewUser {
  const name = readSignInName(userPool, typed)
  const values = attributesIn(userPool, userAttributes ?? {})
  if (name.kind === 'email' || name.kind === 'phone_number') values[name.kind] ??= name.address
  const checked = validateAttributes(userPool, values)
  const missing = missingAttributes(userPool, values)
  const wrong = [...(checked.ok ? [] : Object.keys(checked.problems)), ...missing]
  if (!checked.ok || wrong.length > 0)
    throw new TriggerFailure(trigger, 'invalid', `userAttributes: ${wrong.join(', ')}`)
  const { attributes } = checked
  const sub = services.random.uuid()
  const at = services.clock.now()
  const username = userPool.usernameAttributes.length > 0 ? sub : usernameIn(userPool, userAttributes, typed)
  const identifiers = identifiersOf(userPool, { username, attributes, confirmed: true })
  // Whoever it is must be whom they said: else they could not come in with that name again.
  if (!identifiers.some(({ key }) => key === lookupKey(userPool, typed))) {
    throw new TriggerFailure(trigger, 'invalid', 'userAttributes are those of another user')
  }
  const hasPhone = attributes['phone_number'] !== undefined && userPool.mfaTypes.includes('SMS_MFA')
  return {
    userPoolId: userPool.id,
    sub,
    username,
    status: isWhole ? 'CONFIRMED' : 'RESET_REQUIRED',
    enabled: true,
    attributes,
    createdAt: at,
    updatedAt: at,
    identifiers,
    ...(enableSMSMFA === true && hasPhone ? { mfaTypes: ['SMS_MFA'] } : {}),
  }
}

function usernameIn(userPool: UserPool, told: MigrationAnswer['userAttributes'], typed: string): string {
  const name = readSignInName(userPool, told?.['username'] ?? typed)
  if (name.kind === 'username') return name.username
  throw new TriggerFailure(trigger, 'invalid', 'userAttributes.username is no user name here')
}

/** Without what is this pool's own to say; of another Cognito pool without what this one has no place for. */
function attributesIn(userPool: UserPool, told: Readonly<Record<string, string>>): Record<string, string> {
  const isOther = userPool.triggers.UserMigration?.kind === 'cognito'
  return Object.fromEntries(
    Object.entries(told).filter(
      ([name]) =>
        !['username', 'sub', 'identities'].includes(name) &&
        !name.startsWith('cognito:') &&
        (!isOther || isKnownAttribute(userPool, name)),
    ),
  )
}
