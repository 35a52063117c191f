import type { z } from 'zod'
import { listAuditEventsCommand, verifyAuditTrailCommand } from './audit-commands.ts'
import {
  createAppClientCommand,
  deleteAppClientCommand,
  listAppClients,
  rotateClientSecret,
  showAppClient,
} from './client-commands.ts'
import { addClientSecretCommand, deleteClientSecretCommand, listClientSecrets } from './client-secret-commands.ts'
import { listConsents, revokeConsent } from './consent-commands.ts'
import { listReceivers, replayEvents, testReceiver } from './event-commands.ts'
import {
  beginExportCommand,
  beginImport,
  exportUsers,
  finishImport,
  importGroups,
  importRows,
} from './import-commands.ts'
import { listSigningKeys, rotateSigningKeysCommand } from './key-commands.ts'
import { listDeadLetters, retryDeadLettersCommand } from './mail-commands.ts'
import { previewMessages } from './mail-preview.ts'
import { showMigrations } from './migration-commands.ts'
import {
  createUserPoolCommand,
  deleteUserPoolCommand,
  listUserPools,
  setIssuerCommand,
  showUserPool,
  signOutPool,
} from './pool-commands.ts'
import { previewConfigurationCommand } from './preview-configuration.ts'
import {
  createResourceServerCommand,
  deleteResourceServerCommand,
  listResourceServers,
} from './resource-server-commands.ts'
import { listInvocations, testTrigger } from './trigger-commands.ts'
import {
  addUserToGroupCommand,
  confirmUserCommand,
  createUserCommand,
  deleteUserCommand,
  disableUserCommand,
  enableUserCommand,
  listUsers,
  resetMfaCommand,
  setAttributes,
  setPassword,
  showUser,
  signOutUserCommand,
} from './user-commands.ts'

/** Every command by the name under which it goes over the admin channel. */
export const commands = {
  'user.list': listUsers,
  'user.show': showUser,
  'user.create': createUserCommand,
  'user.confirm': confirmUserCommand,
  'user.enable': enableUserCommand,
  'user.disable': disableUserCommand,
  'user.setPassword': setPassword,
  'user.setAttributes': setAttributes,
  'user.signOut': signOutUserCommand,
  'user.resetMfa': resetMfaCommand,
  'user.delete': deleteUserCommand,
  'user.addToGroup': addUserToGroupCommand,
  'user.consents': listConsents,
  'user.revokeConsent': revokeConsent,
  'import.begin': beginImport,
  'import.groups': importGroups,
  'import.rows': importRows,
  'import.finish': finishImport,
  'export.begin': beginExportCommand,
  'export.users': exportUsers,
  'pool.list': listUserPools,
  'pool.show': showUserPool,
  'pool.create': createUserPoolCommand,
  'pool.setIssuer': setIssuerCommand,
  'pool.signOut': signOutPool,
  'pool.delete': deleteUserPoolCommand,
  'client.list': listAppClients,
  'client.show': showAppClient,
  'client.create': createAppClientCommand,
  'client.rotateSecret': rotateClientSecret,
  'client.addSecret': addClientSecretCommand,
  'client.listSecrets': listClientSecrets,
  'client.deleteSecret': deleteClientSecretCommand,
  'client.delete': deleteAppClientCommand,
  'resourceServer.list': listResourceServers,
  'resourceServer.create': createResourceServerCommand,
  'resourceServer.delete': deleteResourceServerCommand,
  'keys.list': listSigningKeys,
  'keys.rotate': rotateSigningKeysCommand,
  'mail.deadLetters': listDeadLetters,
  'mail.retry': retryDeadLettersCommand,
  'mail.preview': previewMessages,
  'events.list': listReceivers,
  'events.replay': replayEvents,
  'events.test': testReceiver,
  'trigger.log': listInvocations,
  'trigger.test': testTrigger,
  'audit.list': listAuditEventsCommand,
  'audit.verify': verifyAuditTrailCommand,
  'migrations.show': showMigrations,
  'configuration.preview': previewConfigurationCommand,
} as const

export type CommandName = keyof typeof commands
export type InputOf<Name extends CommandName> = z.input<(typeof commands)[Name]['input']>
export type ValueOf<Name extends CommandName> = Values[Name]

type Values = { [Name in CommandName]: Awaited<ReturnType<(typeof commands)[Name]['run']>> }
