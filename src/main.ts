import { serve } from './app/serve.ts'
import { describeFailure, toFailure } from './cli/failure.ts'

try {
  await serve(process.env)
} catch (error) {
  const failure = toFailure(error)
  console.error(failure ? describeFailure(failure) : error)
  process.exit(1)
}
