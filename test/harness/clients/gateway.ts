import { ApolloGateway, IntrospectAndCompose, RemoteGraphQLDataSource } from '@apollo/gateway'
import { parse } from 'graphql'
import type { Answer } from '../app/test-app.ts'

// Disables Apollo's telemetry.
process.env.APOLLO_TELEMETRY_DISABLED = 'true'

export interface Gateway {
  /** The query fields of the supergraph. */
  readonly fields: readonly string[]
  execute(query: string, options?: { readonly variables?: object; readonly authorization?: string }): Promise<Answer>
  close(): Promise<void>
}

interface Carried extends Record<string, unknown> {
  readonly authorization?: string
}

/** Apollo Gateway for local subgraphs. It reads their SDL by introspection, and forwards the caller's credentials. */
export async function startGateway(
  subgraphs: readonly { readonly name: string; readonly url: string }[],
  authorization: string,
): Promise<Gateway> {
  const gateway = new ApolloGateway({
    supergraphSdl: new IntrospectAndCompose({ subgraphs: [...subgraphs], introspectionHeaders: { authorization } }),
    buildService: ({ url }) => new Forwarding({ url }),
    logger: { debug() {}, error() {}, info() {}, warn() {} },
  })
  const { schema, executor } = await gateway.load()
  return {
    fields: Object.keys(schema.getQueryType()?.getFields() ?? {}),
    close: () => gateway.stop(),
    execute: async (query, { variables = {}, authorization: own = authorization } = {}) => {
      const context: Carried = { authorization: own }
      const request = { query, variables, http: undefined }
      const reported = { request, document: parse(query), queryHash: query, context, schema, metrics: {} }
      const { data, errors = [] } = await executor(reported as Parameters<typeof executor>[0])
      return { status: 200, data, errors }
    },
  }
}

class Forwarding extends RemoteGraphQLDataSource<Carried> {
  override willSendRequest({
    request,
    context,
  }: Parameters<NonNullable<RemoteGraphQLDataSource['willSendRequest']>>[0]) {
    if (context?.authorization) request.http?.headers.set('authorization', String(context.authorization))
  }
}
