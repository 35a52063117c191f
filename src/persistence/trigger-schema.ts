import type { TriggerInvocation } from '../domain/triggers/trigger-invocation.ts'

/** On the same terms as the other tables (schema.ts). */
export interface TriggerSchema {
  trigger_invocations: {
    id: string
    user_pool_id: string
    at: Date
    trigger: string
    source: string
    duration_ms: number
    attempts: number
    outcome: TriggerInvocation['outcome']
    problem: string | null
    client_id: string | null
    request_id: string | null
    event: string
  }
}
