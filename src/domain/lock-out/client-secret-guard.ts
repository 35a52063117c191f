import { BoundedMap } from '../../platform/bounded-map.ts'
import { networkOf } from '../../security/client-address.ts'
import { isClientSecret } from '../app-clients/client-secrets.ts'
import type { ClientSecretGuard } from '../ports/client-secret-guard.ts'
import type { DomainServices } from '../ports/services.ts'
import type { UserPool } from '../user-pools/user-pool.ts'
import { guessAtClientSecret } from './guess.ts'
import type { AttemptsExceeded } from './lock-out.ts'

/** What this process knows of a network that has sent wrong secrets of a client. */
interface Network {
  /** Found wrong here, and not in the database yet. */
  uncounted: number
  lockedUntil: Date | undefined
  /** Digests of what was wrong before: a program with an old secret sends it again and again, and guesses nothing. */
  wrong: Set<string>
}

const maximumNetworks = 10_000
const maximumRemembered = 50

/**
 * A right secret costs no look at the database: a network's lock is known here since its last wrong one, and at most so
 * many can be under way as begin a lock. Another process is behind by a single guess.
 */
export function createClientSecretGuard(
  services: Pick<DomainServices, 'store' | 'sealedBox' | 'clock'>,
): ClientSecretGuard {
  const networks = new BoundedMap<Network>(maximumNetworks)
  const { clock, sealedBox } = services
  return {
    async check(userPool, appClient, given, { address }) {
      const name = address === undefined ? '' : networkOf(address)
      const key = JSON.stringify([userPool.id, appClient.id, name])
      const known = networks.get(key)
      const { firstLockingFailure } = userPool.lockOut
      if (known?.lockedUntil !== undefined && known.lockedUntil > clock.now()) return exceeded(known.lockedUntil)
      // Nothing is waited for until here: of many at once each one sees those before it (threat row B6).
      if (known !== undefined && known.uncounted >= firstLockingFailure) return exceeded(clock.now())
      if (isClientSecret(appClient, given)) return { kind: 'right' }
      const digest = sealedBox.digest(given, 'wrong client secret')
      if (known?.wrong.has(digest) === true) return { kind: 'wrong' }
      const network = known ?? { uncounted: 0, lockedUntil: undefined, wrong: new Set() }
      networks.set(key, network)
      remember(network, digest)
      return count(userPool, guessAtClientSecret(services, userPool, appClient.id, name).buckets, network)
    },
  }

  async function count(
    userPool: UserPool,
    buckets: readonly string[],
    network: Network,
  ): Promise<{ kind: 'wrong' } | AttemptsExceeded> {
    const { guesses } = services.store
    const { id: userPoolId, lockOut } = userPool
    network.uncounted += 1
    try {
      const at = clock.now()
      const [counted] = await guesses.count({ userPoolId, buckets, lockOut, at })
      network.lockedUntil = counted?.lockedUntil ?? (await guesses.lockedUntil(userPoolId, buckets, at))
      return counted === undefined ? exceeded(network.lockedUntil ?? at) : { kind: 'wrong' }
    } finally {
      network.uncounted -= 1
    }
  }

  function exceeded(until: Date): AttemptsExceeded {
    const seconds = Math.ceil((until.getTime() - clock.now().getTime()) / 1000)
    return { kind: 'refused', reason: 'attemptsExceeded', retryAfterSeconds: Math.max(1, seconds) }
  }
}

function remember(network: Network, digest: string): void {
  if (network.wrong.size >= maximumRemembered) network.wrong.clear()
  network.wrong.add(digest)
}
