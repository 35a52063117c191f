import { AxeBuilder } from '@axe-core/playwright'
import type { BrowserContext, Page } from 'playwright-core'

/**
 * Collects what a browser holds against our pages from now on: errors and warnings on its console, exceptions in
 * scripts, and breaches of the Content-Security-Policy. A story without complaints leaves the list empty.
 */
export async function listenForComplaints(context: BrowserContext): Promise<string[]> {
  const complaints: string[] = []
  context.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(`${message.type()}: ${message.text()}`)
  })
  context.on('weberror', (error) => complaints.push(`script: ${error.error().message}`))
  await context.addInitScript(`document.addEventListener('securitypolicyviolation', (event) => {
    console.error('policy: ' + event.violatedDirective + ' blocked ' + event.blockedURI)
  })`)
  return complaints
}

const rules = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']

export type ColorScheme = 'light' | 'dark'

/** What axe finds on the page that is open, in words: none when all is well. The page is changed by being examined. */
export async function axeComplaints(page: Page, scheme: ColorScheme): Promise<string[]> {
  await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' })
  // axe enters every frame, and would wait for ever in one that may not run its script.
  await page.evaluate(`document.querySelectorAll('iframe[sandbox]').forEach((frame) => {
    frame.removeAttribute('sandbox')
    frame.src = 'about:blank'
  })`)
  const { violations, passes } = await new AxeBuilder({ page }).withTags(rules).analyze()
  if (passes.length === 0) return ['axe looked at nothing']
  return violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes[0]?.html ?? ''}`)
}
