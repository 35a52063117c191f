import type { Random } from '../../platform/random.ts'
import { onRecord, responseOf } from '../audit/record.ts'
import type { AuditEntry } from '../audit/record.ts'
import type { DomainServices } from '../ports/services.ts'
import type { AppClientRecord, AppClientSecretRecord, Repositories } from '../ports/store.ts'
import { maximumClientSecrets, newSecretRecord, openSecrets } from './client-secrets.ts'

/* Cognito's Add-, List- and DeleteUserPoolClientSecret: both secrets work until one of them is deleted. */

interface Target {
  userPoolId: string
  clientId: string
}

export type AddSecretOutcome =
  | { kind: 'done'; secret: AppClientSecretRecord }
  | { kind: 'refused'; reason: 'noSuchClient' | 'publicClient' | 'tooManySecrets' | 'sameSecret' }

/** A second secret beside the first. A public client gets none: its programs could not keep it. */
export function addClientSecret(
  services: DomainServices,
  request: Target & { secret: string },
): Promise<AddSecretOutcome> {
  const work = async (tx: Repositories): Promise<AddSecretOutcome> => {
    const record = await tx.settings.lockAppClient(request.userPoolId, request.clientId)
    if (record === undefined) return { kind: 'refused', reason: 'noSuchClient' }
    const { secrets = [] } = record
    if (secrets.length === 0) return { kind: 'refused', reason: 'publicClient' }
    if (secrets.length >= maximumClientSecrets) return { kind: 'refused', reason: 'tooManySecrets' }
    if (openSecrets(services, record).includes(request.secret)) return { kind: 'refused', reason: 'sameSecret' }
    const secret = newSecretRecord(services, request.secret, true)
    await tx.settings.saveAppClient({ ...record, secrets: [...secrets, secret] }, services.clock.now())
    return { kind: 'done', secret }
  }
  return onRecord(services, work, (outcome) => entryOf(request, 'AppClientSecretAdd', outcome))
}

/** With the secret's id, which says nothing of what it is. */
const entryOf = (
  { userPoolId, clientId }: Target,
  eventType: AuditEntry['eventType'],
  outcome: AddSecretOutcome | DeleteSecretOutcome,
): AuditEntry => ({
  userPoolId,
  eventType,
  clientId,
  ...responseOf(outcome),
  ...(outcome.kind === 'done' ? { detail: { secret: outcome.secret.id } } : {}),
})

export type DeleteSecretOutcome =
  | { kind: 'done'; secret: AppClientSecretRecord }
  | { kind: 'refused'; reason: 'noSuchClient' | 'noSuchSecret' | 'lastSecret' }

/** It stops working at once. The last one stays: without it the client would be a public one. */
export function deleteClientSecret(
  services: DomainServices,
  request: Target & { secretId: string },
): Promise<DeleteSecretOutcome> {
  const work = async (tx: Repositories): Promise<DeleteSecretOutcome> => {
    const record = await tx.settings.lockAppClient(request.userPoolId, request.clientId)
    if (record === undefined) return { kind: 'refused', reason: 'noSuchClient' }
    const { secrets = [] } = record
    const secret = secrets.find(({ id }) => id === request.secretId)
    if (secret === undefined) return { kind: 'refused', reason: 'noSuchSecret' }
    if (secrets.length === 1) return { kind: 'refused', reason: 'lastSecret' }
    const left: AppClientRecord = { ...record, secrets: secrets.filter(({ id }) => id !== secret.id) }
    await tx.settings.saveAppClient(left, services.clock.now())
    return { kind: 'done', secret }
  }
  return onRecord(services, work, (outcome) => entryOf(request, 'AppClientSecretDelete', outcome))
}

/** Puts another secret in the place of all former ones, which stop working at once. False: a public client has none. */
export async function replaceClientSecret(
  services: DomainServices,
  request: Target & { secret: string },
): Promise<boolean> {
  const { userPoolId, clientId } = request
  const work = async (tx: Repositories): Promise<boolean> => {
    const record = await tx.settings.lockAppClient(userPoolId, clientId)
    if (record?.secrets === undefined) return false
    const secrets = [newSecretRecord(services, request.secret, false)]
    await tx.settings.saveAppClient({ ...record, secrets }, services.clock.now())
    return true
  }
  return onRecord(services, work, (replaced) => ({
    userPoolId,
    eventType: 'AppClientSecretReplace',
    clientId,
    ...(replaced ? {} : { response: 'Fail', reason: 'publicClient' }),
  }))
}

/** 52 lower-case letters and digits (268 bits), as Cognito's are. */
export const newClientSecret = (random: Random): string => random.text(52, 'abcdefghijklmnopqrstuvwxyz0123456789')
