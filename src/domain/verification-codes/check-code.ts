import type { DomainServices } from '../ports/services.ts'
import type { Repositories } from '../ports/store.ts'
import { codeHash } from './issue-code.ts'
import { maximumCodeAttempts } from './verification-code.ts'
import type { CodeAttempt, CodePurpose } from './verification-code.ts'

/** Counts a try at a code and spends it when right (one statement; threat rows B5, B6). */
export function attemptCode(
  services: Pick<DomainServices, 'sealedBox'>,
  tx: Pick<Repositories, 'verificationCodes'>,
  request: { userPoolId: string; userSub: string; purpose: CodePurpose; code: string; at: Date },
): Promise<CodeAttempt> {
  return tx.verificationCodes.attempt({
    userPoolId: request.userPoolId,
    userSub: request.userSub,
    purpose: request.purpose,
    codeHash: codeHash(services, request.userSub, request.purpose, request.code),
    maximumAttempts: maximumCodeAttempts,
    at: request.at,
  })
}

/** Refusals of a code, in the words that every front door uses. */
export type CodeRefusal = 'codeMismatch' | 'codeExpired' | 'limitExceeded'

export function codeRefusal(attempt: Exclude<CodeAttempt, { kind: 'matched' }>): CodeRefusal {
  if (attempt.kind === 'mismatch') return 'codeMismatch'
  return attempt.kind === 'expired' ? 'codeExpired' : 'limitExceeded'
}
