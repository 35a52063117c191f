import { z } from 'zod'
import type { Consent } from '../../domain/consents/consent.ts'
import { withdrawConsent } from '../../domain/consents/give-consent.ts'
import { defineCommand } from './administration.ts'
import { CommandFailure } from './command-failure.ts'
import { requireUser, requireUserPool, userPoolSelector } from './find.ts'

/** What a user has allowed a third-party app client. */
export interface ConsentView {
  ClientId: string
  Scopes: readonly string[]
  /** ISO 8601. */
  CreationDate: string
  LastModifiedDate: string
}

const consentView = (consent: Consent): ConsentView => ({
  ClientId: consent.clientId,
  Scopes: consent.scopes.toSorted(),
  CreationDate: consent.createdAt.toISOString(),
  LastModifiedDate: consent.updatedAt.toISOString(),
})

const target = { userPool: userPoolSelector, username: z.string().min(1).max(256) }

export const listConsents = defineCommand(z.strictObject(target), async (administration, input) => {
  const userPool = requireUserPool(administration, input.userPool)
  const user = await requireUser(administration, userPool, input.username)
  const consents = await administration.domain.store.consents.ofUser(userPool.id, user.sub)
  return { Username: user.username, Consents: consents.map(consentView) }
})

/** Ends the client's tokens of the user as well; the client has to ask again. */
export const revokeConsent = defineCommand(
  z.strictObject({ ...target, clientId: z.string().min(1).max(128) }),
  async ({ domain, ...administration }, input) => {
    const userPool = requireUserPool({ domain, ...administration }, input.userPool)
    const user = await requireUser({ domain, ...administration }, userPool, input.username)
    const consent = { userPoolId: userPool.id, userSub: user.sub, clientId: input.clientId }
    if (!(await withdrawConsent(domain, consent))) {
      const client = JSON.stringify(input.clientId)
      throw new CommandFailure('notFound', `User ${user.username} has allowed nothing to an app client ${client}.`)
    }
    return { Username: user.username, ClientId: input.clientId }
  },
)
