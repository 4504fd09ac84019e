import { writeFileSync } from 'node:fs'
import { printSchema } from 'graphql'
import { buildSchema } from '../schema/index.ts'
import { registry } from '../src/providers/registry.ts'

/** Writes schema/schema.graphql: `npm run schema`. */
writeFileSync(new URL('../schema/schema.graphql', import.meta.url), `${printSchema(await buildSchema(registry))}\n`)
