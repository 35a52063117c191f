import type { DomainServices } from '../ports/services.ts'
import type { Repositories } from '../ports/store.ts'
import { codeHash } from './issue-code.ts'
import type { CodeAttempt, CodePurpose } from './verification-code.ts'

/**
 * Tries a code and spends it when right, in one statement. It has no number of tries of its own, which a stranger could use
 * up: whoever calls has had the guess admitted before (threat rows B5, B15).
 */
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
    at: request.at,
  })
}

/** Refusals of a code, in the words that every front door uses. */
export type CodeRefusal = 'codeMismatch' | 'codeExpired'

export interface RefusedCode {
  kind: 'refused'
  reason: CodeRefusal
}

export const codeRefusal = (attempt: Exclude<CodeAttempt, { kind: 'matched' }>): CodeRefusal =>
  attempt.kind === 'mismatch' ? 'codeMismatch' : 'codeExpired'
