import type { TriggerInvocation } from '../triggers/trigger-invocation.ts'

export interface TriggerInvocationRepository {
  add(invocation: TriggerInvocation): Promise<void>
  /** Newest first. */
  page(request: { userPoolId: string; limit: number; trigger?: string }): Promise<readonly TriggerInvocation[]>
}
