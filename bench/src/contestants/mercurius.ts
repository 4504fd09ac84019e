import fastify from 'fastify'
import mercurius from 'mercurius'
import { prepareCreate } from './creates.ts'
import { announce } from './listen.ts'
import { PEER_SCHEMA } from './peer-schema.ts'
import { createPeerSource, PEER_RESOLVERS } from './peer-source.ts'
import { createProviders } from './providers.ts'
import { openStore } from './store.ts'

/** Mercurius with JIT, and the pool client of the limit. */

const store = openStore(process.env)
const providers = createProviders(process.env)
const create = prepareCreate(store, providers)
const server = fastify()

await server.register(mercurius, {
  schema: PEER_SCHEMA,
  // Mercurius types resolvers with arbitrary arguments.
  resolvers: PEER_RESOLVERS as never,
  context: () => ({ source: createPeerSource(store, providers, create) }),
  jit: 1,
  graphiql: false,
})
await server.listen({ host: '127.0.0.1', port: 0 })
announce((server.server.address() as { port: number }).port)
process.once('SIGTERM', () => process.exit(0))
