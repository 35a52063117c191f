/**
 * Photographs every page sample, light and dark, on a phone and a desktop, and runs axe on each:
 *
 *     node test/support/page-gallery.ts <folder> [<part of a file name>…]
 *
 * Writes a PNG a picture and exits with 1 when axe, the content security policy or the console has something to say,
 * or a page is wider than its window.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import AxeBuilder from '@axe-core/playwright'
import packagedChromium, { inflate } from '@sparticuz/chromium'
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core'
import { loadAssets } from '../../src/platform/views/assets.ts'
import { loadMessageCatalogue } from '../../src/platform/views/message-catalogue.ts'
import { createViewEngine } from '../../src/platform/views/view-engine.ts'
import { pageSamples } from './page-samples.ts'
import type { Sample } from './sample-kit.ts'

const origin = 'http://gallery.localhost'
const viewports = { phone: { width: 390, height: 844 }, desktop: { width: 1280, height: 900 } }
const schemes = ['light', 'dark'] as const
// A mail is read inside a mail program's page: landmarks of its own (a best practice for pages) would be one too many.
const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']

// The policy that the server sends with its pages; mails bring their own styles.
const pagePolicy =
  "default-src 'none'; style-src 'self'; script-src 'nonce-bm9uY2U'; img-src 'self' data:; form-action 'self'; frame-src 'self'; base-uri 'none'"
const mailPolicy = "default-src 'none'; style-src 'unsafe-inline'"

const views = join(import.meta.dirname, '..', '..', 'views')
const engine = createViewEngine(views)
const assets = loadAssets(join(views, 'assets'))
const catalogue = loadMessageCatalogue(join(views, 'messages'))
const assetUrls = {
  css: assets.url('latchkey.css'),
  js: assets.url('latchkey.js'),
  favicon: assets.url('favicon.svg'),
}

/** Packaged Chromium has Latin letters only; here it also sees this machine's fonts, for Arabic. */
async function launchWithAllFonts(): Promise<Browser> {
  const packageFolder = join(dirname(createRequire(import.meta.url).resolve('@sparticuz/chromium')), '..')
  const executablePath = await packagedChromium.executablePath()
  const libraries = join(await inflate(join(packageFolder, 'bin', 'al2023.tar.br')), 'lib')
  const fonts = join(tmpdir(), 'latchkey-gallery-fonts.conf')
  const folders = [join(tmpdir(), 'fonts'), '/usr/share/fonts', '/usr/local/share/fonts', '/Library/Fonts']
  writeFileSync(
    fonts,
    `<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig>
    ${folders.map((folder) => `<dir>${folder}</dir>`).join('')}<cachedir>${tmpdir()}/latchkey-gallery-fonts</cachedir>
    <match><edit name="family" mode="append_last"><string>Open Sans</string></edit></match></fontconfig>`,
  )
  return chromium.launch({
    executablePath,
    args: ['--no-sandbox', '--font-render-hinting=none'],
    env: { ...(process.env as Record<string, string>), LD_LIBRARY_PATH: libraries, FONTCONFIG_FILE: fonts },
  })
}

interface Picture {
  readonly name: string
  readonly html: string
  readonly isMail: boolean
}

function picturesIn(lang: string): Picture[] {
  const samples = pageSamples({
    locale: catalogue.locale([lang]),
    languages: catalogue.languages,
    assets: assetUrls,
  })
  const name = ({ view, state }: Sample) => `${view.replace(/^(pages|emails)\//, '')}.${state}.${lang}`
  return samples
    .filter(({ view }) => !view.endsWith('.text'))
    .map((sample) => ({
      name: name(sample),
      html: sample.render(engine),
      isMail: sample.view.startsWith('emails/'),
    }))
}

async function serve(context: BrowserContext, current: () => Picture, mail: string): Promise<void> {
  await context.route('**/*', async (route) => {
    const path = new URL(route.request().url()).pathname
    const asset = assets.find(path)
    // The page that posts itself would be gone before its picture is taken.
    if (path.endsWith('.js') && current().name.startsWith('form-post')) return route.fulfill({ body: '' })
    if (asset !== undefined) return route.fulfill({ body: asset.body, contentType: asset.contentType })
    const { html, isMail } = path.startsWith('/dev/mail/') ? { html: mail, isMail: true } : current()
    const headers = { 'content-security-policy': isMail ? mailPolicy : pagePolicy }
    return route.fulfill({ body: html, contentType: 'text/html; charset=utf-8', headers })
  })
}

/** What is wrong with the page that is open, in words. */
async function examine(page: Page, isMail: boolean): Promise<string[]> {
  // axe goes into every frame, and would wait for ever in one that runs no script.
  await page.evaluate(`document.querySelectorAll('iframe[sandbox]').forEach((frame) => {
    frame.removeAttribute('sandbox')
    frame.src = 'about:blank'
  })`)
  const { violations } = await new AxeBuilder({ page }).withTags(isMail ? tags : [...tags, 'best-practice']).analyze()
  const complaints = violations.map(({ id, help, nodes }) => `${id}: ${help}\n      ${nodes[0]?.html ?? ''}`)
  const overflow = await page.evaluate('document.documentElement.scrollWidth - innerWidth')
  if (Number(overflow) > 0) complaints.push(`wider than its window by ${String(overflow)} px`)
  const small =
    await page.evaluate(`[...document.querySelectorAll('a, button, input:not([type=hidden], [tabindex="-1"])')]
    .filter((each) => each.checkVisibility() && (each.closest('label') ?? each).getBoundingClientRect().height < 43.5)
    .map((each) => each.outerHTML)`)
  return [...complaints, ...(small as string[]).map((each) => `lower than 44 px: ${each}`)]
}

async function photograph(folder: string, wanted: readonly string[]): Promise<number> {
  const browser = await launchWithAllFonts()
  let pictures = 0
  let complaints = 0
  for (const lang of ['en', 'ar', 'de']) {
    const samples = picturesIn(lang)
    const mail = samples.find(({ name }) => name.startsWith('verification.html'))!.html
    for (const [device, viewport] of Object.entries(viewports)) {
      for (const colorScheme of schemes) {
        if (lang === 'de' && colorScheme === 'dark') continue // German is for the length of its words
        let current = samples[0]!
        const context = await browser.newContext({ viewport, colorScheme, reducedMotion: 'reduce' })
        await serve(context, () => current, mail)
        const page = await context.newPage()
        const heard: string[] = []
        page.on('console', (message) => heard.push(`console: ${message.text()}`))
        page.on('pageerror', (error) => heard.push(`script: ${error.message}`))
        for (current of samples) {
          const file = `${current.name}.${device}.${colorScheme}.png`
          if (wanted.length > 0 && !wanted.every((part) => file.includes(part))) continue
          heard.length = 0
          await page.goto(`${origin}/`)
          await page.screenshot({ path: join(folder, file), fullPage: true })
          const found = [...(await examine(page, current.isMail)), ...heard]
          for (const each of found) console.log(`${file}\n    ${each}`)
          pictures += 1
          complaints += found.length
        }
        await context.close()
      }
    }
  }
  await browser.close()
  console.log(`${pictures} pictures, ${complaints} complaints`)
  return complaints
}

const [folder, ...wanted] = process.argv.slice(2)
if (folder === undefined) {
  console.error('usage: node test/support/page-gallery.ts <folder> [<part of a file name>…]')
  process.exit(2)
}
mkdirSync(folder, { recursive: true })
process.exitCode = (await photograph(folder, wanted)) === 0 ? 0 : 1
