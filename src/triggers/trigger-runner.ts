import type { TriggerAnswer, TriggerRunner } from '../domain/ports/trigger-runner.ts'
import type { Clock } from '../platform/clock.ts'
import type { Log } from '../platform/log.ts'
import type { SealedBox } from '../security/sealed-box.ts'
import { askCognitoPool } from './cognito-pool.ts'
import { askLambda } from './lambda.ts'
import { encryptTo } from './encrypt-to.ts'
import { createModuleThreads } from './module-threads.ts'
import { askWebhook } from './webhook.ts'

/**
 * Asks whoever a trigger names, in the way that it names.
 * @param options.folder what modules' paths are relative to: that of the configuration file
 */
export function createTriggerRunner(options: {
  sealedBox: SealedBox
  clock: Clock
  log: Log
  folder: string
}): TriggerRunner & { close(): Promise<void> } {
  const { log } = options
  const threads = createModuleThreads(options)
  return {
    async run(target, invocation, signal) {
      const answer = await askOf(target, invocation, signal)
      if (answer.kind === 'failed') {
        log.warn({ trigger: invocation.name, invocation: invocation.id, problem: answer.problem }, 'a trigger failed')
      }
      return answer
    },
    encrypt: encryptTo,
    close: () => threads.close(),
  }

  function askOf(...[target, invocation, signal]: Parameters<TriggerRunner['run']>): Promise<TriggerAnswer> {
    switch (target.kind) {
      case 'webhook':
        return askWebhook(options, target, invocation, signal)
      case 'lambda':
        return askLambda(options, target, invocation, signal)
      case 'cognito':
        return askCognitoPool(options, target, invocation, signal)
      case 'module':
        return threads.ask(target, invocation, signal)
    }
  }
}
