import { z } from 'zod'
import { createResourceServer, deleteResourceServer } from '../../domain/app-clients/administer-resource-server.ts'
import type { ResourceServer } from '../../domain/app-clients/app-client.ts'
import {
  maximumResourceServers,
  resourceServerOf,
  resourceServerSchema,
} from '../../domain/app-clients/resource-server-settings.ts'
import { defineCommand } from './administration.ts'
import { CommandFailure } from './command-failure.ts'
import { requireUserPool, userPoolSelector } from './find.ts'
import { readSettings } from './read-settings.ts'

/** A resource server as the configuration file writes it. */
export interface ResourceServerView {
  UserPoolId: string
  Identifier: string
  Name: string
  Scopes: readonly { ScopeName: string; ScopeDescription: string }[]
}

const resourceServerView = (server: ResourceServer): ResourceServerView => ({
  UserPoolId: server.userPoolId,
  Identifier: server.identifier,
  Name: server.name,
  Scopes: server.scopes.map(({ name, description }) => ({ ScopeName: name, ScopeDescription: description })),
})

/** Cognito's ListResourceServers. */
export const listResourceServers = defineCommand(
  z.strictObject({ userPool: userPoolSelector }),
  async (administration, input) => {
    const { id } = requireUserPool(administration, input.userPool)
    const servers = await administration.domain.store.settings.resourceServers(id)
    return { ResourceServers: servers.map(resourceServerView) }
  },
)

/** Cognito's CreateResourceServer; `settings` are its members. */
export const createResourceServerCommand = defineCommand(
  z.strictObject({ userPool: userPoolSelector, settings: z.record(z.string(), z.unknown()) }),
  async (administration, input): Promise<ResourceServerView> => {
    const { id } = requireUserPool(administration, input.userPool)
    const server = { userPoolId: id, ...resourceServerOf(readSettings(resourceServerSchema, input.settings)) }
    const outcome = await createResourceServer(administration.domain, server)
    if (outcome.kind === 'done') return resourceServerView(server)
    const reasons = {
      resourceServerExists: `User pool ${id} has a resource server ${server.identifier} already.`,
      limitExceeded: `User pool ${id} has ${maximumResourceServers} resource servers, as many as there may be.`,
    }
    throw new CommandFailure('refused', reasons[outcome.reason])
  },
)

/** Cognito's DeleteResourceServer. `AppClients` still name its scopes, to no effect. */
export const deleteResourceServerCommand = defineCommand(
  z.strictObject({ userPool: userPoolSelector, identifier: z.string().min(1).max(256) }),
  async (administration, input): Promise<ResourceServerView & { AppClients: readonly string[] }> => {
    const { id } = requireUserPool(administration, input.userPool)
    const request = { userPoolId: id, identifier: input.identifier }
    const outcome = await deleteResourceServer(administration.domain, request)
    if (outcome.kind === 'done') return { ...resourceServerView(outcome.server), AppClients: outcome.appClients }
    const name = JSON.stringify(input.identifier)
    throw new CommandFailure('notFound', `There is no resource server ${name} in user pool ${id}.`)
  },
)
