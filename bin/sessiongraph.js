#!/usr/bin/env node
import { existsSync } from 'node:fs'

/** `sessiongraph`: the sources in a clone, the build where only that is installed. */

const sources = new URL('../src/cli/main.ts', import.meta.url)
const loader = existsSync(sources) ? await import('tsx/esm/api').catch(() => undefined) : undefined
loader?.register()
await import(loader ? sources.href : new URL('../dist/src/cli/main.js', import.meta.url).href)
