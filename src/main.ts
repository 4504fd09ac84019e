import { ConfigError } from './config.ts'
import { serve } from './serve.ts'

/** The server as a process. */

try {
  await serve(process.env)
} catch (error) {
  console.error(error instanceof ConfigError ? error.message : error)
  process.exit(1)
}
