import { describeFailure, toFailure } from './cli/failure.ts'
import { serve } from './serve.ts'

/** The server as a process. */

try {
  await serve(process.env)
} catch (error) {
  const failure = toFailure(error)
  console.error(failure ? describeFailure(failure) : error)
  process.exit(1)
}
