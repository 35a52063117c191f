import type { EventDelivery } from '../events/event-webhook.ts'

export interface EventDeliveryRepository {
  /** Those that are not known yet begin behind what has happened so far. One statement. */
  ensure(receivers: readonly Pick<EventDelivery, 'userPoolId' | 'name'>[], at: Date): Promise<void>
  /** Whose next attempt is due, that nobody else tells, and for whom there is something new. One query. */
  due(at: Date, limit: number): Promise<readonly Pick<EventDelivery, 'userPoolId' | 'name'>[]>
  /** Nobody else tells this receiver until then; undefined when somebody does. */
  lease(
    delivery: Pick<EventDelivery, 'userPoolId' | 'name'>,
    lease: { id: string; until: Date; at: Date },
  ): Promise<EventDelivery | undefined>
  /** How far it has come; with `release` the lease ends. False when it was somebody else's by then, or taken back. */
  save(delivery: EventDelivery, lease: { id: string; release: boolean }): Promise<boolean>
  /** Whoever held a receiver is gone: of the embedded database, which one process has to itself. */
  releaseAll(): Promise<void>
  ofPool(userPoolId: string): Promise<readonly EventDelivery[]>
  /** From behind this number on, at once; whoever tells the receiver at the moment goes on no further. */
  rewind(delivery: Pick<EventDelivery, 'userPoolId' | 'name' | 'sequence'>, at: Date): Promise<boolean>
}
