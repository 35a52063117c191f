import type { Locale } from '../../src/platform/views/message-catalogue.ts'
import type * as contexts from '../../src/platform/views/page-contexts.ts'
import type * as parts from '../../src/platform/views/page-parts.ts'
import type { ViewEngine } from '../../src/platform/views/view-engine.ts'

/** A view in one of its states, with everything that it is given. */
export interface Sample {
  readonly view: keyof contexts.ViewContexts
  /** The state, as part of a file name. */
  readonly state: string
  render(engine: ViewEngine): string
}

export interface SampleSurroundings {
  readonly locale: Locale
  readonly languages: readonly Locale[]
  readonly assets: parts.Page['assets']
  /** Stands in for every value that a person or an app could have chosen. Default: as it is. */
  readonly foreign?: (value: string) => string
}

/** A sample of one view; the compiler checks that its context is whole. */
export function sample<View extends keyof contexts.ViewContexts>(
  view: View,
  state: string,
  context: contexts.ViewContexts[View],
): Sample {
  return { view, state, render: (engine) => engine.render(view, context) }
}

const ruleIds = ['length', 'uppercase', 'lowercase', 'number', 'symbol', 'no-outer-space'] as const

/** The parts that samples are made of. */
export function kit({ locale, languages, assets, foreign = (value) => value }: SampleSurroundings) {
  const page = (section: string, values?: Record<string, string | number>): parts.Page => {
    const t = locale.section(section, values)
    return {
      lang: locale.lang,
      dir: locale.dir,
      cspNonce: 'bm9uY2U',
      assets,
      brand: { name: foreign('Rowan & Finch') },
      title: t.title ?? '',
      t,
      common: locale.section('common'),
      languages: languages.map(({ lang, name }) => ({
        lang,
        name,
        href: `?lang=${lang}`,
        current: lang === locale.lang,
      })),
    }
  }
  const password = (error?: string): parts.NewPasswordField => ({
    rules: ruleIds.map((id) => ({ id, text: locale.text(`passwordRules.${id}`, { minLength: 10 }) })),
    minLength: 10,
    maxLength: 256,
    ...(error === undefined ? {} : { error: locale.text(error) }),
  })
  const alert = (kind: parts.Alert['kind'], key: string, values?: Record<string, string>) => ({
    alert: { kind, text: locale.text(key, values) },
  })
  const field = (name: string, type: string, rest: Partial<parts.Field> = {}): parts.Field => ({
    name,
    label: locale.text(`attributes.${name}`),
    type,
    value: '',
    required: true,
    autocomplete: 'on',
    ...rest,
  })
  /** As a script gets it; no browser asks anything for a picture. */
  const passkey: parts.PasskeyPart = {
    form: { action: '/passkeys/signIn', csrf: 'csrf-token', flow: 'flow-id' },
    options: JSON.stringify({ challenge: 'AAAA', rpId: 'localhost', rpName: foreign('Rowan & Finch') }),
  }
  return { page, password, alert, field, foreign, passkey }
}
