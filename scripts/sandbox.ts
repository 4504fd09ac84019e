import { ConfigError } from '../src/app/config.ts'
import { runSandboxCommand } from '../src/app/run-sandboxes.ts'

/** `npm run sandbox`. */

try {
  await runSandboxCommand(process.env)
} catch (error) {
  const isExpected = error instanceof ConfigError || (error instanceof Error && 'code' in error)
  console.error(isExpected ? error.message : error)
  process.exit(1)
}
