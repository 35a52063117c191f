/** Where the demo is, below the public origin. */
export const demoPaths = {
  home: '/demo',
  signIn: '/demo/sign-in',
  callback: '/demo/callback',
  refresh: '/demo/refresh',
  signOut: '/demo/sign-out',
} as const
