import { z } from 'zod'

/** The documents that people agree to when they sign up. */
export interface Terms {
  termsOfUse: TermsLinks
  privacyPolicy: TermsLinks
}

/** Where a document stands, in every language that it is written in. */
export interface TermsLinks {
  default: string
  /** By BCP 47 tag in lower case. */
  byLanguage: ReadonlyMap<string, string>
}

/** The names that the links of Cognito's CreateTerms give to languages. */
const languages: Readonly<Record<string, string>> = {
  'cognito:bahasa-indonesia': 'id',
  'cognito:chinese-simplified': 'zh-cn',
  'cognito:chinese-traditional': 'zh-tw',
  'cognito:dutch': 'nl',
  'cognito:english': 'en',
  'cognito:french': 'fr',
  'cognito:german': 'de',
  'cognito:indonesian': 'id',
  'cognito:italian': 'it',
  'cognito:japanese': 'ja',
  'cognito:korean': 'ko',
  'cognito:portuguese-brazil': 'pt-br',
  'cognito:spanish': 'es',
}

function isHttpsUrl(text: string): boolean {
  const url = URL.parse(text)
  const isAbsolute = url?.protocol === 'https:' && /^https:\/\/[^/]/i.test(text)
  return isAbsolute && text.length <= 2048 && url.username === '' && url.password === ''
}

const problem =
  'must be an https URL, or such URLs by language: cognito:default, and others such as cognito:german or de'

const httpsUrl = z.string(problem).refine(isHttpsUrl, problem)

const tag = /^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,2}$/
const isLanguage = (name: string): boolean =>
  name === 'cognito:default' || Object.hasOwn(languages, name) || tag.test(name)

const byLanguage = z
  .record(z.string(), httpsUrl, problem)
  .refine((urls) => 'cognito:default' in urls && Object.keys(urls).every(isLanguage), problem)

const links = z.union([httpsUrl, byLanguage], problem)

/** Cognito shows the line only where both documents are there. */
export const termsSchema = z.strictObject({ TermsOfUse: links, PrivacyPolicy: links })

export const termsOf = (settings: z.output<typeof termsSchema>): Terms => ({
  termsOfUse: linksOf(settings.TermsOfUse),
  privacyPolicy: linksOf(settings.PrivacyPolicy),
})

function linksOf(written: z.output<typeof links>): TermsLinks {
  if (typeof written === 'string') return { default: written, byLanguage: new Map() }
  const { 'cognito:default': otherwise = '', ...others } = written
  const urls = new Map(Object.entries(others).map(([name, url]) => [languages[name] ?? name.toLowerCase(), url]))
  return { default: otherwise, byLanguage: urls }
}

/** The document in this language (BCP 47), or in a shorter tag's (RFC 4647 §3.4), or as it is for everybody else. */
export function termsUrl({ default: otherwise, byLanguage }: TermsLinks, language: string): string {
  const parts = language.toLowerCase().split('-')
  for (let length = parts.length; length > 0; length -= 1) {
    const url = byLanguage.get(parts.slice(0, length).join('-'))
    if (url !== undefined) return url
  }
  return otherwise
}
