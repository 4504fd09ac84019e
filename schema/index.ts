import type { GraphQLSchema } from 'graphql'
import { builder } from './builder.ts'
import './access-table.ts'
import { FEDERATION_LINK, type FederationMode, withFederation } from './subgraph.ts'
import './scalars.ts'
import './session.ts'
import './sessions.ts'
import './applicant.ts'
import './customer.ts'
import './attempt.ts'
import './operation.ts'
import './person.ts'
import './provider.ts'
import './entities.ts'
import './node.ts'
import './create-session.ts'
import './create-applicant.ts'
import './create-customer.ts'
import './change-session.ts'
import './link-record.ts'
import './client-token.ts'
import './live.ts'

/** What a provider adds to the schema: loading it registers its union members and inputs. */
export interface SchemaPart {
  readonly graphql: () => Promise<unknown>
}

/** The schema of our nouns with what the providers of the registry add to them, and with as much of a subgraph as asked. */
export async function buildSchema(
  registry: Readonly<Record<string, SchemaPart>>,
  federation: FederationMode = 'off',
): Promise<GraphQLSchema> {
  await Promise.all(Object.values(registry).map(provider => provider.graphql()))
  const schema = builder.toSchema({ extensions: { directives: [FEDERATION_LINK] } })
  return withFederation(schema, federation)
}
