import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { loadAssets } from '../../src/platform/views/assets.ts'
import { loadMessageCatalogue } from '../../src/platform/views/message-catalogue.ts'
import { parseMessages } from '../../src/platform/views/messages.ts'
import { createViewEngine } from '../../src/platform/views/view-engine.ts'
import { pageSamples } from '../support/page-samples.ts'

const views = join(import.meta.dirname, '..', '..', 'views')
const engine = createViewEngine(views)
const strictEngine = createViewEngine(views, { strictVariables: true })
const assets = loadAssets(join(views, 'assets'))
const catalogue = loadMessageCatalogue(join(views, 'messages'))
const { languages } = catalogue
const tags = languages.map(({ lang }) => lang)
const assetUrls = {
  css: assets.url('latchkey.css'),
  js: assets.url('latchkey.js'),
  favicon: assets.url('favicon.svg'),
}
const samplesIn = (lang: string, foreign: (value: string) => string = (value) => value) =>
  pageSamples({ locale: catalogue.locale([lang]), languages, assets: assetUrls, foreign })
const english = catalogue.locale(['en'])
const liquidFiles = (folder: string) =>
  readdirSync(join(views, folder))
    .filter((file) => file.endsWith('.liquid'))
    .map((file) => `${folder}/${file.slice(0, -'.liquid'.length)}`)

describe('every page in every language', () => {
  test('has a sample', () => {
    const sampled = new Set<string>(samplesIn('en').map(({ view }) => view))
    expect([...liquidFiles('pages'), ...liquidFiles('emails')].filter((view) => !sampled.has(view))).toEqual([])
  })

  test.each(tags)('renders without a hole (%s)', (lang) => {
    for (const sample of samplesIn(lang)) {
      const output = sample.render(strictEngine)
      expect(output, sample.view).toBe(sample.render(engine))
      expect(output, sample.view).not.toMatch(
        /undefined|\[object|NaN|\{\{|\{%|<(h1|h2|h3|label|title|a)\b[^>]*>\s*<\/\1>/,
      )
      if (!sample.view.endsWith('.text')) expect(output).toContain(`<html lang="${lang}" dir="`)
    }
  })

  test('holds to its content security policy: no inline style, no inline script', () => {
    for (const sample of samplesIn('en').filter(({ view }) => view.startsWith('pages/'))) {
      const output = sample.render(engine)
      expect(output, sample.view).not.toMatch(/\sstyle=|<style|\son[a-z]+=|javascript:/i)
      expect(output.match(/<script/g), sample.view).toEqual(['<script'])
      expect(output, sample.view).toContain('<script nonce="bm9uY2U" src="/assets/latchkey.')
    }
  })
})

describe('foreign values', () => {
  const hostile = `"'></title><script>alert(1)</script>{{ constructor }}{% assign x = 1 %}{x, plural}<img src=x onerror=y>`

  test.each(tags)('are text wherever they are printed (%s)', (lang) => {
    for (const sample of samplesIn(lang, () => hostile).filter(({ view }) => !view.endsWith('.text'))) {
      const output = sample.render(engine)
      expect(output, sample.view).not.toMatch(/<script>|<img src=x|"'>|native code/)
      expect(output, sample.view).toContain('&lt;script&gt;alert(1)&lt;/script&gt;{{ constructor }}{% assign x = 1 %}')
    }
  })

  test('are plain in the text part of a mail', () => {
    const mail = samplesIn('en', () => 'A & B <c>').find(({ view }) => view === 'emails/invitation.text')!
    expect(mail.render(engine)).toContain('Username: A & B <c>')
  })

  test('are never taken as a message pattern', () => {
    expect(english.text('outcomes.codeSent', { destination: '{x} <b>' })).toBe('We sent a code to {x} <b>.')
  })

  test('do not reach what lies behind a context', () => {
    expect(() => engine.render('constructor' as 'pages/login', {} as never)).toThrow('There is no view')
    expect(() => engine.render('../package.json' as 'pages/login', {} as never)).toThrow('There is no view')
  })
})

describe('forms', () => {
  const login = (state: string) => samplesIn('en').find((each) => each.view === 'pages/login' && each.state === state)!

  test('the login form has the names that automation of Cognito pages looks for', () => {
    const page = login('first').render(engine)
    expect(page).toContain('<form name="cognitoSignInForm" method="post"')
    expect(page.match(/id="signInFormUsername" name="username" type="email"/g)).toHaveLength(1)
    expect(page.match(/id="signInFormPassword" name="password" type="password"/g)).toHaveLength(1)
    expect(page).toContain('name="signInSubmitButton" type="submit"')
    expect(page).toContain('<input type="hidden" name="_csrf" value="csrf-token">')
    expect(page).toContain('<input type="hidden" name="flow" value="flow-id">')
  })

  test('what was typed survives, the password does not', () => {
    const page = login('refused').render(engine)
    expect(page).toContain('value="ada.lovelace@example.com"')
    expect(page).toMatch(/role="alert">[^]*Incorrect username or password\./)
    expect(page).not.toMatch(/type="password"[^>]*value=/)
  })

  test('password managers find the pair on every page that sets a password', () => {
    for (const sample of samplesIn('en')) {
      const page = sample.render(engine)
      if (!page.includes('autocomplete="new-password"')) continue
      expect(page.indexOf('autocomplete="username"'), sample.view).toBeGreaterThan(0)
      expect(page.indexOf('autocomplete="username"')).toBeLessThan(page.indexOf('autocomplete="new-password"'))
      expect(page).toContain('minlength="10" maxlength="256"')
    }
  })
})

describe('messages', () => {
  const keysOf = (lang: string) =>
    [...parseMessages(JSON.parse(readFileSync(join(views, 'messages', `${lang}.json`), 'utf8'))).keys()].sort()

  test.each(tags)('%s has the keys that English has', (lang) => {
    expect(keysOf(lang)).toEqual(keysOf('en'))
  })

  test('plurals follow the language', () => {
    const wait = (lang: string, seconds: number) => catalogue.locale([lang]).text('confirm.resendWait', { seconds })
    expect(wait('en', 28)).toBe('You can ask for a new code in 28 seconds.')
    expect(wait('en', 1)).toBe('You can ask for a new code in 1 second.')
    expect(wait('de', 1)).toContain('1 Sekunde ')
    expect([1, 2, 3, 11].map((seconds) => wait('ar', seconds).split(' ').slice(5).join(' '))).toEqual([
      'ثانية واحدة.',
      'ثانيتين.',
      '3 ثوانٍ.',
      '11 ثانية.',
    ])
  })

  test('a wait is counted down in words', () => {
    expect(english.countdown('confirm.resendWait', 3)).toEqual([
      'You can ask for a new code in 3 seconds.',
      'You can ask for a new code in 2 seconds.',
      'You can ask for a new code in 1 second.',
    ])
    expect(english.countdown('confirm.resendWait', 0)).toEqual([])
    expect(english.countdown('confirm.resendWait', 1e9)).toHaveLength(120)
  })

  test('lengths of time take the unit that fits', () => {
    const durations = [1, 90, 60, 900, 3600, 5400, 86_400, 604_800].map((seconds) => english.duration(seconds))
    expect(durations).toEqual([
      '1 second',
      '90 seconds',
      '1 minute',
      '15 minutes',
      '1 hour',
      '90 minutes',
      '24 hours',
      '7 days',
    ])
  })

  test.each([
    [['de-AT', 'en'], 'de'],
    [['fr-FR', 'AR-eg'], 'ar'],
    [['*', '__proto__', '../en', ''], 'en'],
    [[], 'en'],
    [[...Array.from({ length: 1000 }, () => 'xx'), 'de'], 'en'],
  ])('preferences pick a language (%#)', (preferences, lang) => {
    expect(catalogue.locale(preferences).lang).toBe(lang)
  })

  test('the texts that Cognito clients match on are Cognito’s', () => {
    expect(english.section('outcomes', { destination: 'x' })).toMatchObject({
      incorrectCredentials: 'Incorrect username or password.',
      codeMismatch: 'Invalid verification code provided, please try again.',
      codeExpired: 'Invalid code provided, please request a code again.',
      limitExceeded: 'Attempt limit exceeded, please try after some time.',
    })
  })

  test('an unknown key, an unknown section and an absent value are errors', () => {
    expect(() => english.text('outcomes.nonsense')).toThrow('There is no message named "outcomes.nonsense"')
    expect(() => english.text('__proto__')).toThrow('There is no message named')
    expect(() => english.section('nonsense')).toThrow('There is no message section named')
    expect(() => english.text('outcomes.codeSent')).toThrow('destination')
    expect(() => parseMessages({ language: { format: 'en' }, a: '{count, plural, one {x}' })).toThrow('a: ')
  })
})

describe('assets', () => {
  test('are named by their content, prepared and immutable', () => {
    const css = assets.find(assets.url('latchkey.css'))!
    expect(css.path).toMatch(/^\/assets\/latchkey\.[0-9a-f]{16}\.css$/)
    expect(css.contentType).toBe('text/css; charset=utf-8')
    expect(css.cacheControl).toBe('public, max-age=31536000, immutable')
    expect(gunzipSync(css.gzip!).equals(css.body)).toBe(true)
    expect(brotliDecompressSync(css.brotli!).equals(css.body)).toBe(true)
    expect(assets.find('/assets/latchkey.css')).toBeUndefined()
    expect(assets.find('/assets/../messages/en.json')).toBeUndefined()
    expect(() => assets.url('nonsense.css')).toThrow('There is no asset named')
  })

  test('ask nothing of other origins', () => {
    for (const file of readdirSync(join(views, 'assets'))) {
      const text = readFileSync(join(views, 'assets', file), 'utf8').replaceAll('http://www.w3.org/2000/svg', '')
      expect(text, file).not.toMatch(/https?:|@import|url\(/)
    }
  })
})
