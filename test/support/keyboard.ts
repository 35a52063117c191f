import type { Page } from 'playwright-core'
import { expect } from 'vitest'

/* A page as it is moved through without a pointer. */

interface Focus {
  name: string
  /** Whether somebody who looks at the page can tell. */
  isShown: boolean
}

/** What has the focus, by its label or text. */
export const focusOn = (page: Page): Promise<Focus> =>
  page.evaluate(`(() => {
    const element = document.activeElement
    const style = getComputedStyle(element)
    const label = element.labels?.[0]?.textContent ?? element.getAttribute('aria-label') ?? element.textContent
    const outlined = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2
    const { width, height } = element.getBoundingClientRect()
    return { name: label.trim(), isShown: outlined && width > 1 && height > 1 }
  })()`)

/** Waits until the focus is on the element with this name, which the page puts there by itself. */
export async function hasFocus(page: Page, name: string): Promise<void> {
  await expect.poll(() => focusOn(page)).toEqual({ name, isShown: true })
}

/** Presses Tab until the focus is on the element with this name. Wherever it goes on the way, it can be seen. */
export async function tabTo(page: Page, name: string): Promise<void> {
  for (let presses = 0; presses < 15; presses += 1) {
    await page.keyboard.press('Tab')
    const focus = await focusOn(page)
    expect(focus).toMatchObject({ isShown: true })
    if (focus.name === name) return
  }
  throw new Error(`Tab does not lead to ${name}`)
}
