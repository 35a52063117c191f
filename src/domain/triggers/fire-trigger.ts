import type { z } from 'zod'
import type { DomainServices } from '../ports/services.ts'
import type { TriggerAnswer } from '../ports/trigger-runner.ts'
import type { UserPool } from '../user-pools/user-pool.ts'
import { redactedEvent } from './trigger-invocation.ts'
import { TriggerFailure } from './trigger-failure.ts'
import type { TriggerName, TriggerTarget } from './trigger-target.ts'

export interface TriggerEvent {
  version: string
  triggerSource: string
  region: string
  userPoolId: string
  userName: string
  callerContext: Readonly<Record<string, unknown>>
  request: object
  response: object
}

export type TriggerServices = Pick<DomainServices, 'store' | 'clock' | 'random' | 'caller' | 'triggers'>

/** What was wrong, of an answer of any length. */
const maximumProblem = 500

/**
 * Asks the trigger, again where no answer came, and puts it on record. Never inside a transaction.
 * @param schema of the answer's `response`; `unread`: any answer will do
 * @returns undefined where the pool has no such trigger
 * @throws TriggerFailure
 */
export async function fireTrigger<Response>(
  services: TriggerServices,
  userPool: UserPool,
  name: TriggerName,
  event: TriggerEvent,
  schema: z.ZodType<Response> | 'unread',
): Promise<Response | undefined> {
  const target = userPool.triggers[name]
  if (target === undefined) return undefined
  const { clock, random, caller, store } = services
  const at = clock.now()
  const began = performance.now()
  const id = random.uuid()
  const { answer, attempts } = await ask(services, target, { id, name, event })
  const read = readAnswer(name, answer, schema)
  const { clientId, requestId } = caller
  await store.triggerInvocations.add({
    id,
    userPoolId: userPool.id,
    at,
    trigger: name,
    source: event.triggerSource,
    durationMs: Math.round(performance.now() - began),
    attempts,
    outcome: read instanceof TriggerFailure ? (read.kind === 'denied' ? 'Denied' : 'Failed') : 'Pass',
    ...(read instanceof TriggerFailure ? { problem: read.message.slice(0, maximumProblem) } : {}),
    ...(clientId === undefined ? {} : { clientId }),
    ...(requestId === undefined ? {} : { requestId }),
    event: JSON.stringify(redactedEvent(event)),
  })
  if (read instanceof TriggerFailure) throw read
  return read.response
}

async function ask(
  { triggers }: Pick<DomainServices, 'triggers'>,
  target: TriggerTarget,
  invocation: { id: string; name: TriggerName; event: object },
): Promise<{ answer: TriggerAnswer; attempts: number }> {
  let attempts = 0
  for (;;) {
    attempts += 1
    const answer = await triggers.run(target, invocation, AbortSignal.timeout(target.timeoutMs))
    if (answer.kind !== 'failed' || !answer.again || attempts >= target.attempts) return { answer, attempts }
  }
}

function readAnswer<Response>(
  name: TriggerName,
  answer: TriggerAnswer,
  schema: z.ZodType<Response> | 'unread',
): { response: Response | undefined } | TriggerFailure {
  if (answer.kind === 'threw') return new TriggerFailure(name, 'denied', answer.message)
  if (answer.kind === 'failed') return new TriggerFailure(name, 'failed', answer.problem)
  if (schema === 'unread') return { response: undefined }
  const { event } = answer
  if (typeof event !== 'object' || event === null || !('response' in event)) {
    return new TriggerFailure(name, 'invalid', 'the answer is not the event with its response')
  }
  const read = schema.safeParse(event.response)
  if (read.success) return { response: read.data }
  const [issue] = read.error.issues
  return new TriggerFailure(name, 'invalid', `response.${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`)
}
