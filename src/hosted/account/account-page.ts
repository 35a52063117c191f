import { pagePaths } from '../paths.ts'

/**
 * The pages of a person's account, below `/account`. A sensitive one does what whoever finds an open browser must not be able
 * to do: it asks who it is, if that is some minutes ago.
 */
const pages = {
  home: { sensitive: false },
  profile: { sensitive: false },
  email: { sensitive: true },
  phone: { sensitive: true },
  password: { sensitive: true },
  factors: { sensitive: true },
  app: { sensitive: true },
  passkeys: { sensitive: true },
  identities: { sensitive: true },
  recoveryCodes: { sensitive: true },
  devices: { sensitive: false },
  sessions: { sensitive: false },
  apps: { sensitive: false },
  activity: { sensitive: false },
  data: { sensitive: true },
  delete: { sensitive: true },
}

export type AccountPage = keyof typeof pages

export const isAccountPage = (name: string): name is AccountPage => Object.hasOwn(pages, name)

export const isSensitive = (page: AccountPage): boolean => pages[page].sensitive

export const accountPagePath = (page: AccountPage): string =>
  page === 'home' ? pagePaths.account : `${pagePaths.account}/${page}`
