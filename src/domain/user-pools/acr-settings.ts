import { z } from 'zod'
import { assuranceLevels } from '../assurance/levels.ts'

/* Cognito's AcrConfiguration: other names of the levels of assurance. */

const name = z
  .strictObject({
    AcrValue: z
      .string()
      .regex(
        /^[\x21\x23-\x5b\x5d-\x7e]{1,64}$/,
        'must be 1 to 64 characters of ASCII without blanks, quotes and backslashes',
      ),
  })
  .optional()

export const acrConfiguration = z
  .strictObject({ Level1: name, Level2: name, Level3: name, Level4: name })
  .refine(
    (written) => new Set(acrValuesOf(written)).size === assuranceLevels.length,
    'must have another AcrValue for each level',
  )
  .prefault({})

type Written = { readonly [Level in `Level${1 | 2 | 3 | 4}`]?: { AcrValue: string } | undefined }

export const acrValuesOf = (written: Written): readonly string[] =>
  assuranceLevels.map((level) => written[`Level${level}`]?.AcrValue ?? `urn:cognito:loa:${level}`)
