import type { Locale } from '../platform/views/message-catalogue.ts'
import { browserName } from './browser-name.ts'
import { isolated } from './isolated.ts'

/** `Firefox on Windows`, or as much of it as is known. */
export function browserText({ locale }: { locale: Locale }, userAgent: string | undefined): string {
  const { browser, system } = userAgent === undefined ? {} : browserName(userAgent)
  if (browser === undefined) return locale.text('accountSessions.unknownBrowser')
  return system === undefined
    ? browser
    : locale.text('accountSessions.lines.browser', {
        browser: isolated(browser),
        system: isolated(system),
      })
}
