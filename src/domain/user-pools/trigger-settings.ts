import { createPublicKey } from 'node:crypto'
import { z } from 'zod'
import type { SealedBox } from '../../security/sealed-box.ts'
import { regionOf } from './region.ts'
import { triggerNames, triggerSecretPurpose } from '../triggers/trigger-target.ts'
import type { AwsCredentials, TriggerName, TriggerTarget, TriggerTargets } from '../triggers/trigger-target.ts'

/* `Triggers` of the configuration file: where each of them goes (design §5). What is secret is stored sealed. */

export const webhookSecret = z
  .string()
  .regex(/^(whsec_)?[A-Za-z0-9+/]{32,88}={0,2}$/, 'must be 24 to 64 random bytes in base64, after "whsec_" or not')
export const address = z.url({
  protocol: /^https?$/,
  error: 'must be a URL such as https://hooks.example.com/latchkey',
})

function isRsaKey(pem: string): boolean {
  try {
    const { asymmetricKeyType, asymmetricKeyDetails } = createPublicKey(pem)
    return asymmetricKeyType === 'rsa' && (asymmetricKeyDetails?.modulusLength ?? 0) >= 2048
  } catch {
    return false
  }
}

const common = {
  TimeoutSeconds: z.number().min(0.1).max(60).optional(),
  Retries: z.number().int().min(0).max(5).optional(),
  LambdaVersion: z.enum(['V1_0', 'V2_0', 'V3_0']).optional(),
  AllowPrivateAddresses: z.boolean().optional(),
  Webhook: address.optional(),
  Module: z.string().min(1).max(1024).optional(),
  LambdaUrl: address.optional(),
  CognitoUserPool: z
    .string()
    .regex(/^[a-z]{2}(-[a-z]+)+-\d_[A-Za-z0-9]+$/, 'must look like eu-west-1_Ab12Cd34E')
    .optional(),
  ClientId: z
    .string()
    .regex(/^[\w+]{1,128}$/)
    .optional(),
  /** In place of the region's own, for CognitoUserPool. */
  Endpoint: address.optional(),
  AccessKeyId: z.string().min(1).max(128).optional(),
  PublicKey: z
    .string()
    .refine(isRsaKey, 'must be the public half of an RSA key of 2048 bits or more, as PEM')
    .optional(),
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
    ClientSecret: z.string().min(1).max(256).optional(),
  })
  .superRefine((trigger, context) => {
    for (const [member, message] of problemsOf(trigger)) {
      context.addIssue({ code: 'custom', path: member === '' ? [] : [member], message })
    }
  })

type WrittenTrigger = z.output<typeof written>

function problemsOf(trigger: WrittenTrigger): [member: string, message: string][] {
  const { Webhook, Module, LambdaUrl, CognitoUserPool, Secret, Secrets, AccessKeyId, SecretAccessKey } = trigger
  const kinds = [Webhook, Module, LambdaUrl, CognitoUserPool].filter((kind) => kind !== undefined)
  const url = Webhook ?? LambdaUrl ?? trigger.Endpoint
  const problems: [string, string | false][] = [
    ['', kinds.length !== 1 && 'needs one of Webhook, Module, LambdaUrl and CognitoUserPool'],
    ['Secret', Webhook !== undefined && (Secret ?? Secrets) === undefined && 'is missing: a webhook is signed'],
    ['Secrets', Secret !== undefined && Secrets !== undefined && 'cannot stand beside Secret: leave one of them out'],
    ['Secret', Webhook === undefined && (Secret ?? Secrets) !== undefined && 'signs a Webhook only'],
    [
      'AccessKeyId',
      (LambdaUrl ?? CognitoUserPool) === undefined &&
        AccessKeyId !== undefined &&
        'goes with LambdaUrl or CognitoUserPool',
    ],
    ['ClientId', (CognitoUserPool === undefined) !== (trigger.ClientId === undefined) && 'goes with CognitoUserPool'],
    [
      'ClientSecret',
      CognitoUserPool === undefined && trigger.ClientSecret !== undefined && 'goes with CognitoUserPool',
    ],
    ['Endpoint', CognitoUserPool === undefined && trigger.Endpoint !== undefined && 'goes with CognitoUserPool'],
    [
      'SecretAccessKey',
      (AccessKeyId === undefined) !== (SecretAccessKey === undefined) &&
        'goes with AccessKeyId, and neither without the other',
    ],
    [
      Webhook !== undefined ? 'Webhook' : LambdaUrl !== undefined ? 'LambdaUrl' : 'Endpoint',
      url?.startsWith('http:') === true &&
        trigger.AllowPrivateAddresses !== true &&
        'must be https, unless AllowPrivateAddresses is true',
    ],
  ]
  return problems.flatMap(([member, message]) => (message === false ? [] : [[member, message]]))
}

/** What leaves this machine with a code in it is encrypted to whoever is to read it. */
const ofSender = written
  .refine((trigger) => trigger.CognitoUserPool === undefined, {
    path: ['CognitoUserPool'],
    message: 'is for UserMigration only',
  })
  .refine((trigger) => trigger.Module !== undefined || trigger.PublicKey !== undefined, {
    path: ['PublicKey'],
    message: 'is missing: the public half of an RSA key (PEM), to which codes are encrypted',
  })

/** A pool's `Triggers`, by name. */
export const triggersSchema = z.strictObject(
  Object.fromEntries(triggerNames.map((name) => [name, ofTrigger(name).optional()])) as Record<
    TriggerName,
    z.ZodOptional<typeof written>
  >,
)

function ofTrigger(name: TriggerName): typeof written {
  if (name === 'CustomEmailSender' || name === 'CustomSMSSender') return ofSender
  if (name === 'UserMigration') return written
  return written
    .refine((trigger) => trigger.CognitoUserPool === undefined, {
      path: ['CognitoUserPool'],
      message: 'is for UserMigration only',
    })
    .refine((trigger) => trigger.PublicKey === undefined, {
      path: ['PublicKey'],
      message: 'is for CustomEmailSender and CustomSMSSender only',
    })
}

export type WrittenTriggers = z.output<typeof triggersSchema>

const stored = z.strictObject({
  ...common,
  SealedSecrets: z.array(z.string()).optional(),
  SealedSecretAccessKey: z.string().optional(),
  SealedClientSecret: z.string().optional(),
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
  const {
    Secret,
    Secrets = Secret === undefined ? undefined : [Secret],
    SecretAccessKey,
    ClientSecret,
    ...rest
  } = trigger
  const { SealedSecrets = [], SealedSecretAccessKey, SealedClientSecret } = before ?? {}
  const known = [...SealedSecrets, SealedSecretAccessKey, SealedClientSecret].filter((text) => text !== undefined)
  const sealed = (secret: string): string =>
    known.find((text) => sealedBox.open(text, triggerSecretPurpose) === secret) ??
    sealedBox.seal(secret, triggerSecretPurpose)
  return {
    ...rest,
    ...(Secrets === undefined ? {} : { SealedSecrets: Secrets.map(sealed) }),
    ...(SecretAccessKey === undefined ? {} : { SealedSecretAccessKey: sealed(SecretAccessKey) }),
    ...(ClientSecret === undefined ? {} : { SealedClientSecret: sealed(ClientSecret) }),
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
  const limits = {
    timeoutMs: (row.TimeoutSeconds ?? 5) * 1000,
    // Cognito's: three attempts in all.
    attempts: (row.Retries ?? 2) + 1,
    version: row.LambdaVersion ?? 'V1_0',
    ...(row.PublicKey === undefined ? {} : { publicKey: row.PublicKey }),
  } as const
  const allowPrivateAddresses = row.AllowPrivateAddresses === true
  if (row.Module !== undefined) return { ...limits, kind: 'module', path: row.Module }
  if (row.Webhook !== undefined) {
    const sealedSecrets = row.SealedSecrets ?? []
    return { ...limits, kind: 'webhook', url: row.Webhook, sealedSecrets, allowPrivateAddresses }
  }
  const { CognitoUserPool: userPoolId } = row
  if (userPoolId === undefined) {
    const url = row.LambdaUrl ?? ''
    return { ...limits, kind: 'lambda', url, allowPrivateAddresses, ...credentialsOf(row, row.Region ?? 'us-east-1') }
  }
  const region = regionOf({ id: userPoolId })
  return {
    ...limits,
    kind: 'cognito',
    url: row.Endpoint ?? `https://cognito-idp.${region}.amazonaws.com/`,
    userPoolId,
    clientId: row.ClientId ?? '',
    ...(row.SealedClientSecret === undefined ? {} : { sealedClientSecret: row.SealedClientSecret }),
    allowPrivateAddresses,
    ...credentialsOf(row, region),
  }
}

function credentialsOf(row: StoredTrigger, region: string): { credentials?: AwsCredentials } {
  const { AccessKeyId: accessKeyId, SealedSecretAccessKey: sealedSecretAccessKey } = row
  if (accessKeyId === undefined || sealedSecretAccessKey === undefined) return {}
  return { credentials: { accessKeyId, sealedSecretAccessKey, region } }
}
