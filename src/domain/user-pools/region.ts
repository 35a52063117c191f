import type { UserPool } from './user-pool.ts'

/** What the pool's id begins with, as Cognito's do: `eu-west-1` of `eu-west-1_Ab12Cd34E`. */
export const regionOf = ({ id }: Pick<UserPool, 'id'>): string => id.slice(0, id.indexOf('_'))
