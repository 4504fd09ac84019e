import type { Behaviour } from './behaviours/behaviour.ts'
import { bodies } from './behaviours/bodies.ts'
import { broken, silent, slow, unreached } from './behaviours/connections.ts'
import { sizes } from './behaviours/sizes.ts'
import { statuses } from './behaviours/statuses.ts'
import { syntax } from './behaviours/syntax.ts'

/** All provider behaviours on a create. */
export const BEHAVIOURS: readonly Behaviour[] = [
  ...unreached,
  ...broken,
  ...silent,
  ...slow,
  ...bodies,
  ...statuses,
  ...sizes,
  ...syntax,
]
