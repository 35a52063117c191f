import type { TriggerAnswer } from '../domain/ports/trigger-runner.ts'
import type { TriggerTarget } from '../domain/triggers/trigger-target.ts'
import type { SealedBox } from '../security/sealed-box.ts'
import { guardedPost } from '../platform/http/guarded-request.ts'
import { answered, errorMessageIn, noAnswer } from './http-answer.ts'
import { signedHeaders } from './signed-headers.ts'

/**
 * AWS Lambda's Invoke, or whatever speaks it: the event as the payload of a synchronous call to
 * `…/2015-03-31/functions/NAME/invocations`, signed with Signature Version 4. An error that the function throws comes with
 * the header `X-Amz-Function-Error`.
 */
export async function askLambda(
  { sealedBox }: { sealedBox: SealedBox },
  target: Extract<TriggerTarget, { kind: 'lambda' }>,
  { event }: { event: object },
  signal: AbortSignal,
): Promise<TriggerAnswer> {
  const body = JSON.stringify(event)
  const { url, allowPrivateAddresses } = target
  try {
    const plain = { 'content-type': 'application/json', 'x-amz-invocation-type': 'RequestResponse' }
    const { credentials } = target
    const request = { url, headers: plain, body }
    const headers = credentials === undefined ? plain : await signedHeaders(sealedBox, credentials, 'lambda', request)
    const answer = await guardedPost({ url, headers, body }, { allowPrivateAddresses, signal })
    if (answer.headers['x-amz-function-error'] !== undefined) {
      const message = errorMessageIn(answer.body)
      return message === undefined
        ? { kind: 'failed', problem: 'the function has ended in an error without words', again: false }
        : { kind: 'threw', message }
    }
    if (answer.status >= 200 && answer.status < 300) return answered(answer.body)
    return { kind: 'failed', problem: `Lambda answered ${answer.status}`, again: false }
  } catch (error) {
    return noAnswer(error, signal)
  }
}
