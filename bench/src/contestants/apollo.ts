import { RESTDataSource } from '@apollo/datasource-rest'
import { ApolloServer } from '@apollo/server'
import { startStandaloneServer } from '@apollo/server/standalone'
import type { kayleCreated } from '../world.ts'
import { prepareCreate } from './creates.ts'
import { PEER_SCHEMA } from './peer-schema.ts'
import { createPeerSource, PEER_RESOLVERS, type PeerContext } from './peer-source.ts'
import {
  findApplicant,
  type KayleSession,
  PATHS,
  type Providers,
  type RapidlyCustomer,
  type YorletApplicants,
} from './providers.ts'
import { openStore } from './store.ts'

/** Apollo Server, with a RESTDataSource for each provider and request. */

class Rest extends RESTDataSource {
  override baseURL: string
  private readonly authorization: string

  constructor(name: string) {
    super()
    this.baseURL = `${process.env[`${name}_BASE_URL`]}/`
    this.authorization = `Bearer ${process.env[`${name}_API_KEY`]}`
  }

  override willSendRequest(_path: string, request: { headers: Record<string, string> }): void {
    request.headers.authorization = this.authorization
  }

  read<T>(path: string): Promise<T> {
    return this.get<T>(path.slice(1))
  }

  create<T>(path: string, body: object): Promise<T> {
    return this.post<T>(path.slice(1), { body })
  }
}

function openProviders(): Providers {
  const [kayle, rapidly, yorlet] = [new Rest('KAYLE'), new Rest('RAPIDLY'), new Rest('YORLET')]
  return {
    session: async id => (await kayle.read<{ data: KayleSession }>(PATHS.session(id))).data,
    createSession: async (redirect_url, share_fields) => {
      const body = { redirect_url, share_fields }
      return (await kayle.create<{ data: ReturnType<typeof kayleCreated> }>('/v1/sessions', body)).data
    },
    customer: id => rapidly.read<RapidlyCustomer>(PATHS.customer(id)),
    applicant: async (id, application) =>
      findApplicant(await yorlet.read<YorletApplicants>(PATHS.applicants(application)), id),
  }
}

const store = openStore(process.env)
const server = new ApolloServer<PeerContext>({ typeDefs: PEER_SCHEMA, resolvers: PEER_RESOLVERS as never })
const { url } = await startStandaloneServer(server, {
  listen: { host: '127.0.0.1', port: 0 },
  context: async () => {
    const providers = openProviders()
    return { source: createPeerSource(store, providers, prepareCreate(store, providers)) }
  },
})
console.log(new URL('/graphql', url).href)
process.once('SIGTERM', () => process.exit(0))
