import { termsUrl } from '../../domain/user-pools/terms.ts'
import type { TermsPart } from '../../platform/views/page-parts.ts'
import type { Step } from '../step.ts'

/** Stand for the links while the sentence is put together, since each language has an order of its own. */
const places = { termsOfUse: '\u0001', privacyPolicy: '\u0002' } as const

/** What somebody agrees to by signing up, in pieces: the app client's documents, else the pool's. */
export function termsLine({ appClient, tenant, locale }: Step): readonly TermsPart[] | undefined {
  const terms = appClient.terms ?? tenant.snapshot.userPool.terms
  if (terms === undefined) return undefined
  const linkOf = (name: keyof typeof places): TermsPart => ({
    text: locale.text(`terms.${name}`),
    href: termsUrl(terms[name], locale.lang),
    newTab: locale.text('terms.newTab'),
  })
  const links = new Map<string, TermsPart>([
    [places.termsOfUse, linkOf('termsOfUse')],
    [places.privacyPolicy, linkOf('privacyPolicy')],
  ])
  return locale
    .text('terms.line', places)
    .split(/([\u0001\u0002])/)
    .filter((part) => part !== '')
    .map((part) => links.get(part) ?? { text: part })
}
