import type { UserPool } from '../../domain/user-pools/user-pool.ts'
import { passwordRules } from '../../domain/users/password-policy.ts'
import type { PasswordRule } from '../../domain/users/password-policy.ts'
import type { User } from '../../domain/users/user.ts'
import type { AttributeProblem, AttributeProblems } from '../../domain/users/validate-attributes.ts'

/** A user as commands answer it: Cognito's AdminGetUser, attributes as the configuration file writes them. */
export interface UserView {
  Username: string
  UserStatus: string
  Enabled: boolean
  /** `sub` among them. */
  Attributes: Readonly<Record<string, string>>
  /** Second factors, in the user's order. */
  UserMFASettingList: readonly string[]
  PreferredMfaSetting?: string
  /** Accounts at identity providers, as `<ProviderName> <subject>`. */
  Identities?: readonly string[]
  /** ISO 8601. */
  UserCreateDate: string
  UserLastModifiedDate: string
}

export const userView = (user: User): UserView => ({
  Username: user.username,
  UserStatus: user.status,
  Enabled: user.enabled,
  Attributes: { sub: user.sub, ...user.attributes },
  UserMFASettingList: user.mfaTypes ?? [],
  ...(user.preferredMfa === undefined ? {} : { PreferredMfaSetting: user.preferredMfa }),
  ...(user.identities === undefined
    ? {}
    : { Identities: user.identities.map(({ providerName, userId }) => `${providerName} ${userId}`) }),
  UserCreateDate: user.createdAt.toISOString(),
  UserLastModifiedDate: user.updatedAt.toISOString(),
})

const ruleTexts: Readonly<Record<Exclude<PasswordRule, 'length'>, string>> = {
  uppercase: 'an upper-case letter',
  lowercase: 'a lower-case letter',
  number: 'a digit',
  symbol: 'a symbol',
  'no-outer-space': 'no blank at its beginning or end',
  'too-long': 'fewer characters',
  breached: 'a value that is in no list of breached passwords',
}

/** What a password lacks, in words. */
export function passwordProblem({ passwordPolicy }: UserPool, broken: readonly PasswordRule[]): string {
  const text = (rule: PasswordRule): string =>
    rule === 'length' ? `at least ${passwordPolicy.minimumLength} characters` : ruleTexts[rule]
  const ordered = [...passwordRules(passwordPolicy), ...broken].filter((rule) => broken.includes(rule))
  return `The password does not keep the policy of the user pool: it needs ${[...new Set(ordered)].map(text).join(', ')}.`
}

const attributeTexts: Readonly<Record<AttributeProblem, string>> = {
  required: 'is required',
  email: 'is not an e-mail address',
  phone: 'is not a phone number such as +14155550123',
  date: 'is not a date such as 1990-12-31',
  tooLong: 'is too long',
  invalid: 'is not an attribute of the user pool, or its value does not fit',
}

export const attributeProblem = (problems: AttributeProblems): string =>
  Object.entries(problems)
    .map(([name, problem]) => `Attribute ${name} ${attributeTexts[problem]}.`)
    .join(' ')
