import { ConfigError } from '../src/config.ts'
import { runSandboxes } from '../src/run-sandboxes.ts'

/** `npm run sandbox`. */

try {
  await runSandboxes(process.env)
} catch (error) {
  const isExpected = error instanceof ConfigError || (error instanceof Error && 'code' in error)
  console.error(isExpected ? error.message : error)
  process.exit(1)
}
