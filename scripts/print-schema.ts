import { writeFileSync } from 'node:fs'
import { printSchema } from 'graphql'
import { printSubgraph } from '../schema/federation/subgraph.ts'
import { buildSchema } from '../schema/index.ts'
import { registry } from '../src/providers/registry.ts'

/** `npm run schema`: writes schema/schema.graphql for clients and schema/subgraph.graphql for gateways. */
const clients = printSchema(await buildSchema(registry))
const gateways = await printSubgraph(await buildSchema(registry, 'on'))
writeFileSync(new URL('../schema/schema.graphql', import.meta.url), `${clients}\n`)
writeFileSync(new URL('../schema/subgraph.graphql', import.meta.url), `${gateways.trimEnd()}\n`)
