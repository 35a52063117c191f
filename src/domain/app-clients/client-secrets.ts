import { constantTimeEqual } from '../../security/digest.ts'
import type { DomainServices } from '../ports/services.ts'
import type { AppClientRecord, AppClientSecretRecord } from '../ports/store.ts'
import type { AppClient } from './app-client.ts'

/* An app client's secrets: one, or two while one is exchanged for the other (reference: hosted UI §5). */

/** The purpose under which app clients' secrets are sealed. */
const clientSecretPurpose = 'client secret'

export const maximumClientSecrets = 2

/** Every secret is compared, whichever fits: time tells neither how far the text was right nor which one it was. */
export const isClientSecret = (appClient: Pick<AppClient, 'secrets'>, given: string): boolean =>
  appClient.secrets.reduce((found, secret) => constantTimeEqual(secret, given) || found, false)

type SecretServices = Pick<DomainServices, 'clock' | 'random' | 'sealedBox'>

/** @param added by AddUserPoolClientSecret: not the client's own one */
export const newSecretRecord = (services: SecretServices, secret: string, added: boolean): AppClientSecretRecord => ({
  id: services.random.uuid(),
  sealedSecret: services.sealedBox.seal(secret, clientSecretPurpose),
  added,
  createdAt: services.clock.now(),
})

export const openSecrets = (
  { sealedBox }: Pick<DomainServices, 'sealedBox'>,
  record: AppClientRecord | undefined,
): readonly string[] =>
  (record?.secrets ?? []).map(({ sealedSecret }) => sealedBox.open(sealedSecret, clientSecretPurpose))

/**
 * What the configuration file makes of a client's secrets: those that it names take the place of the client's own ones;
 * one that was added by command stays until it is deleted by command, or the file names it. A secret that does not change
 * keeps its row: sealing it twice would give two texts.
 * @param named undefined: the file says nothing of secrets
 */
export function configuredSecrets(
  services: SecretServices,
  existing: AppClientRecord | undefined,
  named: readonly string[] | undefined,
): readonly AppClientSecretRecord[] {
  const stored = existing?.secrets ?? []
  if (named === undefined) return stored
  const opened = openSecrets(services, existing)
  const wanted = named.map((secret) => {
    const same = stored[opened.indexOf(secret)]
    return same === undefined ? newSecretRecord(services, secret, false) : { ...same, added: false }
  })
  const others = stored.filter(({ id, added }) => added && !wanted.some((secret) => secret.id === id))
  return [...wanted, ...others].toSorted(oldestFirst)
}

/** As storage has them. */
const oldestFirst = (a: AppClientSecretRecord, b: AppClientSecretRecord): number =>
  a.createdAt.getTime() - b.createdAt.getTime() || (a.id < b.id ? -1 : 1)

/** A public client has no member at all. */
export const secretsMember = (secrets: readonly AppClientSecretRecord[]): Pick<AppClientRecord, 'secrets'> =>
  secrets.length === 0 ? {} : { secrets }
