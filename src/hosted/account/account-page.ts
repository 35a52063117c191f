import { pagePaths } from '../paths.ts'

/** The pages of a person's account, below `/account`. */
export const accountPages = [
  'home',
  'profile',
  'email',
  'phone',
  'password',
  'factors',
  'app',
  'recoveryCodes',
  'sessions',
  'apps',
  'activity',
  'data',
  'delete',
] as const

export type AccountPage = (typeof accountPages)[number]

export const isAccountPage = (name: string): name is AccountPage => (accountPages as readonly string[]).includes(name)

/** Steps that whoever finds an open browser must not be able to do: they ask who it is, if that is some minutes ago. */
const sensitivePages: ReadonlySet<AccountPage> = new Set([
  'email',
  'phone',
  'password',
  'factors',
  'app',
  'recoveryCodes',
  'data',
  'delete',
])

export const isSensitive = (page: AccountPage): boolean => sensitivePages.has(page)

export const accountPagePath = (page: AccountPage): string =>
  page === 'home' ? pagePaths.account : `${pagePaths.account}/${page}`
