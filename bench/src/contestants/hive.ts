import { createServer } from 'node:http'
import { createGatewayRuntime } from '@graphql-hive/gateway-runtime'
import { composeSubgraphs } from '@graphql-mesh/fusion-composition'
import type { GraphQLResolveInfo } from 'graphql'
import { prepareCreate } from './creates.ts'
import { loadRestSubgraphs } from './hive-subgraphs.ts'
import { listenHere } from './listen.ts'
import { PEER_SCHEMA } from './peer-schema.ts'
import { createPeerSource, PEER_RESOLVERS, type PeerSource } from './peer-source.ts'
import { findApplicant, type Providers } from './providers.ts'
import { openStore } from './store.ts'

/**
 * Hive Gateway with the providers as REST subgraphs of GraphQL Mesh. The gateway adds the contract of the benchmark with
 * resolvers that call the subgraphs, and reads the rows in its own process: no service behind it costs a hop.
 */

interface Call {
  readonly args: object
  readonly context: object
  readonly info: GraphQLResolveInfo
  readonly selectionSet: string
}
type Field<T> = (call: Call) => Promise<T>

/** What the gateway puts into the context for each subgraph. */
interface GatewayContext {
  readonly kayle: {
    readonly Query: { readonly kayleSession: Field<{ data: Awaited<ReturnType<Providers['session']>> }> }
    readonly Mutation: { readonly createKayleSession: Field<{ data: Awaited<ReturnType<Providers['createSession']>> }> }
  }
  readonly rapidly: { readonly Query: { readonly rapidlyCustomer: Field<Awaited<ReturnType<Providers['customer']>>> } }
  readonly yorlet: { readonly Query: { readonly yorletApplicants: Field<Parameters<typeof findApplicant>[0]> } }
}

const SESSION = '{ data { id status created_at updated_at attempts { id status failure_code risk_score created_at } } }'
const CREATED = `{ data {
  id status redirect_url verification_url cancel_token expires_at created_at updated_at share_fields
} }`

function createProviders(context: GatewayContext, info: GraphQLResolveInfo): Providers {
  const call = (args: object, selectionSet: string) => ({ args, context, info, selectionSet })
  return {
    session: async id => (await context.kayle.Query.kayleSession(call({ id }, SESSION))).data,
    createSession: async (redirect_url, share_fields) => {
      const input = { redirect_url, share_fields }
      return (await context.kayle.Mutation.createKayleSession(call({ input }, CREATED))).data
    },
    customer: id => context.rapidly.Query.rapidlyCustomer(call({ id }, '{ id email name created_at }')),
    applicant: async (id, application) => {
      const selection = '{ data { id status created } }'
      return findApplicant(await context.yorlet.Query.yorletApplicants(call({ application }, selection)), id)
    },
  }
}

const store = openStore(process.env)
const sources = new WeakMap<object, PeerSource>()

/** The source of this request. */
function sourceOf(context: GatewayContext, info: GraphQLResolveInfo): PeerSource {
  const known = sources.get(context)
  if (known) return known
  const providers = createProviders(context, info)
  const source = createPeerSource(store, providers, prepareCreate(store, providers))
  sources.set(context, source)
  return source
}

type Resolver = (root: never, args: never, context: { readonly source: PeerSource }) => unknown

const resolvers = Object.entries(PEER_RESOLVERS).map(([type, fields]) => {
  const wrapped = Object.entries(fields).map(([field, resolve]: [string, Resolver]) => {
    const withSource = (root: never, args: never, context: GatewayContext, info: GraphQLResolveInfo) =>
      resolve(root, args, { source: sourceOf(context, info) })
    return [field, withSource]
  })
  return [type, Object.fromEntries(wrapped)]
})

const { supergraphSdl } = composeSubgraphs(await loadRestSubgraphs(process.env))
const gateway = createGatewayRuntime({
  supergraph: supergraphSdl ?? '',
  additionalTypeDefs: PEER_SCHEMA.replace('type Query', 'extend type Query').replace(
    'type Mutation',
    'extend type Mutation',
  ),
  additionalResolvers: Object.fromEntries(resolvers),
  landingPage: false,
  graphiql: false,
  logging: false,
})
listenHere(createServer(gateway))
