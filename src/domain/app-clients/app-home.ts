import type { AppClient } from './app-client.ts'

/**
 * A page of the app itself, from what is registered: its first sign-out page, else the root of its callback's origin;
 * undefined for an app that has no web address. The app knows how to begin a sign-in properly, with a state and PKCE.
 */
export function appHome(appClient: AppClient): string | undefined {
  const isWeb = (url: string): boolean => /^https?:/.test(url)
  const signedOut = appClient.logoutUrls.find(isWeb)
  if (signedOut !== undefined) return signedOut
  const callback = appClient.callbackUrls.find(isWeb)
  return callback === undefined ? undefined : new URL('/', callback).href
}
