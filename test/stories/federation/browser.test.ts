import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { launchChromium } from '../../support/chromium.ts'
import type { TestBrowser } from '../../support/chromium.ts'
import { startFederation } from '../../support/federation-pools.ts'
import type { Federation } from '../../support/federation-pools.ts'

/* To a provider and back in a real browser, whose policies count: the pages', and those of its cookies on the way back from another site. */

let chromium: TestBrowser
let there: Federation
beforeAll(async () => {
  ;[chromium, there] = await Promise.all([launchChromium(), startFederation({})])
})
afterAll(async () => {
  await chromium.close()
  await there.stop()
})

describe.each([
  ['with JavaScript', true],
  ['without', false],
])('%s', (_how, javaScriptEnabled) => {
  test('somebody signs in at a provider, by the keyboard alone, and links a second account', async () => {
    const page = await chromium.newPage({ javaScriptEnabled })
    const complaints: string[] = []
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text())
    })
    there.idp.somebody({ sub: `browser-${String(javaScriptEnabled)}`, email: 'b@example.com', name: 'B' })
    await page.goto(`${there.base('both')}/account/identities?client_id=both`)
    await page.getByRole('link', { name: 'Continue with' }).waitFor()
    const focused = page.locator(':focus')
    for (let steps = 0; steps < 10; steps += 1) {
      await page.keyboard.press('Tab')
      if ((await focused.textContent())?.includes('Continue with') === true) break
    }
    await page.keyboard.press('Enter')
    await page.getByText('You came with it').waitFor()

    there.idp.somebody({ sub: `second-${String(javaScriptEnabled)}` })
    // As somebody else there; the provider's own page for a change of person needs a script.
    await page.context().clearCookies({ domain: '127.0.0.1' })
    await page.getByRole('link', { name: 'Link an account at' }).click()
    await page.getByText('Linked. You can sign in with it from now on.').waitFor()
    expect(await page.getByRole('heading', { level: 2 }).count()).toBe(2)
    await page.getByRole('button', { name: 'Unlink' }).first().click()
    await page.getByText('It can’t sign you in any more.').waitFor()
    expect(complaints).toEqual([])
    await page.context().close()
  })
})
