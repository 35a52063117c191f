import type { Repositories } from '../ports/store.ts'
import type { User } from '../users/user.ts'
import type { DecoySignUp } from './decoy-sign-up.ts'

/**
 * Who signs in by a canonical name, and the decoy sign-up that was made with it. Both are looked for whatever there is:
 * the same work for everybody (threat row B14).
 */
export async function findByName(
  store: Pick<Repositories, 'users' | 'decoySignUps'>,
  userPoolId: string,
  key: string,
): Promise<{ user: User | undefined; decoy: DecoySignUp | undefined }> {
  const [user, decoy] = await Promise.all([
    store.users.findByIdentifier(userPoolId, key),
    store.decoySignUps.find(userPoolId, key),
  ])
  return { user, decoy }
}
