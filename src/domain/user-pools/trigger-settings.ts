import { z } from 'zod'
import type { SealedBox } from '../../security/sealed-box.ts'
import { triggerNames, triggerSecretPurpose } from '../triggers/trigger-target.ts'
import type { TriggerName, TriggerTarget, TriggerTargets } from '../triggers/trigger-target.ts'

/* `Triggers` of the configuration file: where each of them goes (design §5). What is secret is stored sealed. */

const webhookSecret = z
  .string()
  .regex(/^(whsec_)?[A-Za-z0-9+/]{32,88}={0,2}$/, 'must be 24 to 64 random bytes in base64, after "whsec_" or not')
const address = z.url({ protocol: /^https?$/, error: 'must be a URL such as https://hooks.example.com/latchkey' })

const common = {
  TimeoutSeconds: z.number().min(0.1).max(60).optional(),
  Retries: z.number().int().min(0).max(5).optional(),
  LambdaVersion: z.enum(['V1_0', 'V2_0', 'V3_0']).optional(),
  AllowPrivateAddresses: z.boolean().optional(),
  Webhook: address.optional(),
  Module: z.string().min(1).max(1024).optional(),
  LambdaUrl: address.optional(),
  AccessKeyId: z.string().min(1).max(128).optional(),
  Region: z
    .string()
    .regex(/^[a-z]{2}(-[a-z]+)+-\d$/, 'must be a region such as eu-west-1')
    .optional(),
}

const written = z
  .strictObject({
    ...common,
    Secret: webhookSecret.optional(),
    Secrets: z.array(webhookSecret).min(1).max(3).optional(),
    SecretAccessKey: z.string().min(1).max(256).optional(),
  })
  .superRefine((trigger, context) => {
    for (const [member, message] of problemsOf(trigger)) {
      context.addIssue({ code: 'custom', path: member === '' ? [] : [member], message })
    }
  })

type WrittenTrigger = z.output<typeof written>

function problemsOf(trigger: WrittenTrigger): [member: string, message: string][] {
  const { Webhook, Module, LambdaUrl, Secret, Secrets, AccessKeyId, SecretAccessKey } = trigger
  const kinds = [Webhook, Module, LambdaUrl].filter((kind) => kind !== undefined)
  const url = Webhook ?? LambdaUrl
  const problems: [string, string | false][] = [
    ['', kinds.length !== 1 && 'needs one of Webhook, Module and LambdaUrl'],
    ['Secret', Webhook !== undefined && (Secret ?? Secrets) === undefined && 'is missing: a webhook is signed'],
    ['Secrets', Secret !== undefined && Secrets !== undefined && 'cannot stand beside Secret: leave one of them out'],
    ['Secret', Webhook === undefined && (Secret ?? Secrets) !== undefined && 'signs a Webhook only'],
    ['AccessKeyId', LambdaUrl === undefined && AccessKeyId !== undefined && 'signs a LambdaUrl only'],
    [
      'SecretAccessKey',
      (AccessKeyId === undefined) !== (SecretAccessKey === undefined) &&
        'goes with AccessKeyId, and neither without the other',
    ],
    [
      Webhook === undefined ? 'LambdaUrl' : 'Webhook',
      url?.startsWith('http:') === true &&
        trigger.AllowPrivateAddresses !== true &&
        'must be https, unless AllowPrivateAddresses is true',
    ],
  ]
  return problems.flatMap(([member, message]) => (message === false ? [] : [[member, message]]))
}

/** A pool's `Triggers`, by name. */
export const triggersSchema = z.strictObject(
  Object.fromEntries(triggerNames.map((name) => [name, written.optional()])) as Record<
    TriggerName,
    z.ZodOptional<typeof written>
  >,
)

export type WrittenTriggers = z.output<typeof triggersSchema>

const stored = z.strictObject({
  ...common,
  SealedSecrets: z.array(z.string()).optional(),
  SealedSecretAccessKey: z.string().optional(),
})

type StoredTrigger = z.output<typeof stored>

/** As a row holds them: as written, with secrets sealed. */
export type StoredTriggers = Readonly<Record<string, unknown>>

/**
 * What the configuration file makes of a pool's triggers: where it names the member, its triggers are all there are.
 * A secret that does not change keeps its sealed form: sealing it twice would give two texts.
 */
export function configuredTriggers(
  sealedBox: SealedBox,
  existing: StoredTriggers | undefined,
  named: WrittenTriggers | undefined,
): StoredTriggers {
  if (named === undefined) return existing ?? {}
  return Object.fromEntries(
    triggerNames.flatMap((name) => {
      const trigger = named[name]
      return trigger === undefined ? [] : [[name, sealTrigger(sealedBox, readStored(existing?.[name]), trigger)]]
    }),
  )
}

function sealTrigger(sealedBox: SealedBox, before: StoredTrigger | undefined, trigger: WrittenTrigger): StoredTrigger {
  const { Secret, Secrets = Secret === undefined ? undefined : [Secret], SecretAccessKey, ...rest } = trigger
  const known = [...(before?.SealedSecrets ?? []), before?.SealedSecretAccessKey].filter((text) => text !== undefined)
  const sealed = (secret: string): string =>
    known.find((text) => sealedBox.open(text, triggerSecretPurpose) === secret) ??
    sealedBox.seal(secret, triggerSecretPurpose)
  return {
    ...rest,
    ...(Secrets === undefined ? {} : { SealedSecrets: Secrets.map(sealed) }),
    ...(SecretAccessKey === undefined ? {} : { SealedSecretAccessKey: sealed(SecretAccessKey) }),
  }
}

const readStored = (row: unknown): StoredTrigger | undefined => (row === undefined ? undefined : stored.parse(row))

/** Every default filled in. */
export const triggerTargetsOf = (triggers: StoredTriggers | undefined): TriggerTargets =>
  Object.fromEntries(
    triggerNames.flatMap((name) => {
      const row = readStored(triggers?.[name])
      return row === undefined ? [] : [[name, targetOf(row)]]
    }),
  )

function targetOf(row: StoredTrigger): TriggerTarget {
  const { AccessKeyId: accessKeyId, SealedSecretAccessKey: sealedSecretAccessKey, Region: region = 'us-east-1' } = row
  const limits = {
    timeoutMs: (row.TimeoutSeconds ?? 5) * 1000,
    // Cognito's: three attempts in all.
    attempts: (row.Retries ?? 2) + 1,
    version: row.LambdaVersion ?? 'V1_0',
  } as const
  const allowPrivateAddresses = row.AllowPrivateAddresses === true
  if (row.Module !== undefined) return { ...limits, kind: 'module', path: row.Module }
  if (row.Webhook !== undefined) {
    const sealedSecrets = row.SealedSecrets ?? []
    return { ...limits, kind: 'webhook', url: row.Webhook, sealedSecrets, allowPrivateAddresses }
  }
  const url = row.LambdaUrl ?? ''
  return {
    ...limits,
    ...{ kind: 'lambda', url, allowPrivateAddresses },
    ...(accessKeyId === undefined || sealedSecretAccessKey === undefined
      ? {}
      : { credentials: { accessKeyId, sealedSecretAccessKey, region } }),
  }
}
