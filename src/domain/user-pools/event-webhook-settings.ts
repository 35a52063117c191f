import { z } from 'zod'
import type { SealedBox } from '../../security/sealed-box.ts'
import { auditEventTypes } from '../audit/audit-event.ts'
import { usualEventTypes } from '../events/event-webhook.ts'
import type { EventWebhook } from '../events/event-webhook.ts'
import { triggerSecretPurpose } from '../triggers/trigger-target.ts'
import { address, webhookSecret } from './trigger-settings.ts'

/* `EventWebhooks` of the configuration file: who is told of what has happened. What is secret is stored sealed. */

const common = {
  Name: z.string().regex(/^[\w.-]{1,64}$/, 'must be letters, digits, ".", "-" and "_"'),
  Webhook: address,
  Types: z.array(z.enum(auditEventTypes)).min(1).optional(),
  Outcomes: z
    .array(z.enum(['Pass', 'Fail', 'InProgress']))
    .min(1)
    .optional(),
  TimeoutSeconds: z.number().min(0.1).max(30).optional(),
  AllowPrivateAddresses: z.boolean().optional(),
}

const written = z
  .strictObject({
    ...common,
    Secret: webhookSecret.optional(),
    Secrets: z.array(webhookSecret).min(1).max(3).optional(),
  })
  .superRefine(({ Webhook, Secret, Secrets, AllowPrivateAddresses }, context) => {
    const wrong = (path: string, message: string): void => context.addIssue({ code: 'custom', path: [path], message })
    if ((Secret ?? Secrets) === undefined) wrong('Secret', 'is missing: a webhook is signed')
    if (Secret !== undefined && Secrets !== undefined) {
      wrong('Secrets', 'cannot stand beside Secret: leave one of them out')
    }
    if (Webhook.startsWith('http:') && AllowPrivateAddresses !== true) {
      wrong('Webhook', 'must be https, unless AllowPrivateAddresses is true')
    }
  })

/** A pool's `EventWebhooks`. */
export const eventWebhooksSchema = z
  .array(written)
  .max(10)
  .refine((list) => new Set(list.map(({ Name }) => Name)).size === list.length, 'has a Name twice')

export type WrittenEventWebhooks = z.output<typeof eventWebhooksSchema>

const stored = z.strictObject({ ...common, SealedSecrets: z.array(z.string()) })

/** As a row holds them: as written, with secrets sealed. */
export type StoredEventWebhooks = readonly Readonly<Record<string, unknown>>[]

/** Where the configuration file names the member, its webhooks are all there are; a secret that does not change keeps its sealed form. */
export function configuredEventWebhooks(
  sealedBox: SealedBox,
  existing: StoredEventWebhooks | undefined,
  named: WrittenEventWebhooks | undefined,
): StoredEventWebhooks {
  if (named === undefined) return existing ?? []
  const before = (existing ?? []).map((row) => stored.parse(row))
  return named.map(({ Secret, Secrets = Secret === undefined ? [] : [Secret], ...rest }) => {
    const known = before.find(({ Name }) => Name === rest.Name)?.SealedSecrets ?? []
    const sealed = (secret: string): string =>
      known.find((text) => sealedBox.open(text, triggerSecretPurpose) === secret) ??
      sealedBox.seal(secret, triggerSecretPurpose)
    return { ...rest, SealedSecrets: Secrets.map(sealed) }
  })
}

/** Every default filled in. */
export const eventWebhooksOf = (rows: StoredEventWebhooks | undefined): readonly EventWebhook[] =>
  (rows ?? []).map((row) => {
    const { Name, Webhook, SealedSecrets, Types, Outcomes, TimeoutSeconds, AllowPrivateAddresses } = stored.parse(row)
    return {
      name: Name,
      url: Webhook,
      sealedSecrets: SealedSecrets,
      allowPrivateAddresses: AllowPrivateAddresses === true,
      timeoutMs: (TimeoutSeconds ?? 10) * 1000,
      types: Types ?? usualEventTypes,
      outcomes: Outcomes ?? ['Pass'],
    }
  })
