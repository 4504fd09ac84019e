import { tellDemo } from '../src/demo/demo.ts'

/** `npm run demo`: exits with 1 if any part of the story fails. */

process.exitCode = (await tellDemo(process.env)) ? 0 : 1
