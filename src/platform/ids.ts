import type { Random } from './random.ts'

const lowerAlphanumerics = 'abcdefghijklmnopqrstuvwxyz0123456789'
const alphanumerics = `ABCDEFGHIJKLMNOPQRSTUVWXYZ${lowerAlphanumerics}`

/** `<region>_<9 alphanumerics>`, as Cognito issues them. */
export const newUserPoolId = (random: Random, region: string): string => `${region}_${random.text(9, alphanumerics)}`

/** 26 lower-case alphanumerics, as Cognito issues them. */
export const newClientId = (random: Random): string => random.text(26, lowerAlphanumerics)

/** Cognito's pattern for a user pool id: `[\w-]+_[0-9a-zA-Z]+`, at most 55 characters. */
export const isUserPoolId = (text: string): boolean => text.length <= 55 && /^[\w-]+_[0-9a-zA-Z]+$/.test(text)
