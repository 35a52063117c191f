import type { z } from 'zod'
import type { OpenServices } from '../open-services.ts'

/*
 * What operators do. The command line runs these commands on a database that it has opened itself, or hands them to the
 * running server (see admin-channel.ts): the same functions, inputs and answers either way. All of it is JSON, in
 * Cognito's member names where Cognito has one (design decision 18).
 */

/** What commands work with. */
export interface Administration extends Pick<OpenServices, 'database' | 'domain' | 'directory' | 'eventSender'> {
  /** What the issuer of a new user pool begins with. */
  publicUrl: string
  /** The region part of new ids. */
  region: string
}

/** An account of the machine, and the one behind it. */
export const maximumOperatorLength = 256

/** In the service of whoever runs the command line. */
export const operatedBy = (administration: Administration, operator: string): Administration => ({
  ...administration,
  domain: { ...administration.domain, caller: { operator } },
})

export interface Command<Input extends z.ZodType, Value> {
  input: Input
  run(administration: Administration, input: z.output<Input>): Promise<Value>
}

/** @throws (from `run`) CommandFailure */
export const defineCommand = <Input extends z.ZodType, Value>(
  input: Input,
  run: Command<Input, Value>['run'],
): Command<Input, Value> => ({ input, run })
