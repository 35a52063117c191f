import { onRecord } from '../audit/record.ts'
import type { DomainServices } from '../ports/services.ts'
import type { UserPoolRecord } from '../ports/store.ts'

/** Cognito's DeleteUserPool: with its users, app clients, keys and everything else of it; the audit trail stays. */
export const deleteUserPool = (
  services: DomainServices,
  { id, name }: Pick<UserPoolRecord, 'id' | 'name'>,
): Promise<boolean> =>
  onRecord(
    services,
    (tx) => tx.settings.deleteUserPool(id),
    (deleted) => (deleted ? { userPoolId: id, eventType: 'UserPoolDelete', detail: { name } } : undefined),
  )
