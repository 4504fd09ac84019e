import type { z } from 'zod'
import { InvalidInputError } from '../src/domain/errors.ts'

/** All that zod found in a field's arguments, as our error. Paths start with the argument's name. */
export function toInvalidInputError(error: z.ZodError): InvalidInputError {
  return new InvalidInputError(error.issues.map(issue => ({ path: issue.path.map(String), message: issue.message })))
}
