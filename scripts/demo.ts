import { runDemo } from '../src/demo/demo.ts'

/** `npm run demo`: exits with 1 if a scenario fails. */

process.exitCode = (await runDemo(process.env)) ? 0 : 1
