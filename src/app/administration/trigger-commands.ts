import { z } from 'zod'
import type { TriggerInvocation } from '../../domain/triggers/trigger-invocation.ts'
import { triggerNames } from '../../domain/triggers/trigger-target.ts'
import { defineCommand } from './administration.ts'
import { CommandFailure } from './command-failure.ts'
import { requireUserPool, userPoolSelector } from './find.ts'

/** One time that a trigger was asked. */
export interface InvocationView {
  Id: string
  /** ISO 8601. */
  CreationDate: string
  Trigger: string
  TriggerSource: string
  /** `Pass`, `Denied` (it has thrown) or `Failed` (no answer, or one that says nothing). */
  Outcome: TriggerInvocation['outcome']
  Problem?: string
  DurationMs: number
  Attempts: number
  ClientId?: string
  RequestId?: string
  /** As it was sent, without what people have typed. */
  Event: unknown
}

const invocationView = (invocation: TriggerInvocation): InvocationView => ({
  Id: invocation.id,
  CreationDate: invocation.at.toISOString(),
  Trigger: invocation.trigger,
  TriggerSource: invocation.source,
  Outcome: invocation.outcome,
  ...(invocation.problem === undefined ? {} : { Problem: invocation.problem }),
  DurationMs: invocation.durationMs,
  Attempts: invocation.attempts,
  ...(invocation.clientId === undefined ? {} : { ClientId: invocation.clientId }),
  ...(invocation.requestId === undefined ? {} : { RequestId: invocation.requestId }),
  Event: JSON.parse(invocation.event) as unknown,
})

const triggerName = z.enum(triggerNames, { error: `must be one of ${triggerNames.join(', ')}` })

/** Newest first. */
export const listInvocations = defineCommand(
  z.strictObject({
    userPool: userPoolSelector,
    trigger: triggerName.optional(),
    limit: z.number().int().min(1).max(1000).default(20),
  }),
  async (administration, { userPool: selector, trigger, limit }) => {
    const { id: userPoolId } = requireUserPool(administration, selector)
    const { triggerInvocations } = administration.domain.store
    const page = await triggerInvocations.page({ userPoolId, limit, ...(trigger === undefined ? {} : { trigger }) })
    return { Invocations: page.map(invocationView) }
  },
)

/** Asks a trigger once with an event of the operator's own. Nothing comes of the answer, and it is not put on record. */
export const testTrigger = defineCommand(
  z.strictObject({
    userPool: userPoolSelector,
    trigger: triggerName,
    event: z.looseObject({ triggerSource: z.string({ error: 'is missing: such as "PreSignUp_SignUp"' }) }),
  }),
  async (administration, { userPool: selector, trigger: name, event }) => {
    const userPool = requireUserPool(administration, selector)
    const target = userPool.triggers[name]
    if (target === undefined) throw new CommandFailure('notFound', `User pool ${userPool.id} has no trigger ${name}.`)
    const { triggers, random } = administration.domain
    const began = performance.now()
    const signal = AbortSignal.timeout(target.timeoutMs)
    const answer = await triggers.run(target, { id: random.uuid(), name, event }, signal)
    const DurationMs = Math.round(performance.now() - began)
    switch (answer.kind) {
      case 'answered':
        return { Outcome: 'Pass' as const, DurationMs, Answer: answer.event }
      case 'threw':
        return { Outcome: 'Denied' as const, DurationMs, Problem: answer.message }
      case 'failed':
        return { Outcome: 'Failed' as const, DurationMs, Problem: answer.problem }
    }
  },
)
