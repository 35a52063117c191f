import type { Command } from 'commander'

export interface PoolOption {
  pool?: string
}

export const inPool = (command: Command): Command =>
  command.option('--pool <id>', 'the user pool, by id or name; the default one if absent')

/** A command on one app client, named by its id. */
export const onClient = (client: Command, name: string, description: string): Command =>
  inPool(client.command(name).description(description).argument('<client-id>'))
