import type { AttributeProblem } from '../domain/users/validate-attributes.ts'
import type { Locale } from '../platform/views/message-catalogue.ts'
import type { Field } from '../platform/views/page-parts.ts'

interface Input {
  type: string
  autocomplete: string
  inputmode?: string
}

/** How each standard attribute is typed (HTML's autofill names, so that browsers fill them in). */
const inputs: Readonly<Record<string, Input>> = {
  name: { type: 'text', autocomplete: 'name' },
  given_name: { type: 'text', autocomplete: 'given-name' },
  family_name: { type: 'text', autocomplete: 'family-name' },
  middle_name: { type: 'text', autocomplete: 'additional-name' },
  nickname: { type: 'text', autocomplete: 'nickname' },
  preferred_username: { type: 'text', autocomplete: 'nickname' },
  profile: { type: 'url', autocomplete: 'url' },
  picture: { type: 'url', autocomplete: 'photo' },
  website: { type: 'url', autocomplete: 'url' },
  email: { type: 'email', autocomplete: 'email', inputmode: 'email' },
  gender: { type: 'text', autocomplete: 'sex' },
  birthdate: { type: 'date', autocomplete: 'bday' },
  zoneinfo: { type: 'text', autocomplete: 'off' },
  locale: { type: 'text', autocomplete: 'language' },
  phone_number: { type: 'tel', autocomplete: 'tel', inputmode: 'tel' },
  address: { type: 'text', autocomplete: 'street-address' },
}

const hinted = new Set(['phone_number', 'zoneinfo', 'locale', 'website'])
const maximumLength = 2048

/** Attributes that have a label, and so can stand on a page. */
export const hasField = (name: string): boolean => Object.hasOwn(inputs, name)

const customPrefix = 'custom:'

/** The operator's own name of it, as words: nobody has translated it. */
function customLabel(name: string): string {
  const words = name.slice(customPrefix.length).replaceAll(/[_-]+/g, ' ').trim()
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}` || name
}

export function attributeField(
  locale: Locale,
  name: string,
  value: string,
  options: { required: boolean; problem?: AttributeProblem | undefined },
): Field {
  const input = inputs[name] ?? { type: 'text', autocomplete: 'off' }
  return {
    name,
    label: name.startsWith(customPrefix) ? customLabel(name) : locale.text(`attributes.${name}`),
    type: input.type,
    value,
    required: options.required,
    autocomplete: input.autocomplete,
    maxlength: maximumLength,
    ...(input.inputmode === undefined ? {} : { inputmode: input.inputmode }),
    ...(hinted.has(name) ? { hint: locale.text(`fieldHints.${name}`) } : {}),
    ...(options.problem === undefined
      ? {}
      : { error: locale.text(`fieldErrors.${options.problem}`, { max: maximumLength }) }),
  }
}
