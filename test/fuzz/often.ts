import fc from 'fast-check'
import type { Arbitrary } from 'fast-check'

/** One value as a choice of `fc.oneof`, with its weight. */
export const often = <T>(value: T, weight: number): { arbitrary: Arbitrary<T>; weight: number } => ({
  arbitrary: fc.constant(value),
  weight,
})
