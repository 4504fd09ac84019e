import { type GraphQLSchema, specifiedDirectives } from 'graphql'
import type { InputSettings } from '../src/input/rules.ts'
import { builder } from './builder.ts'
import './authorization/rules.ts'
import { boundEnums } from './bounded-enums.ts'
import { FEDERATION_LINK, type FederationMode, withFederation } from './federation/subgraph.ts'
import { INCREMENTAL_DIRECTIVES } from './incremental-directives.ts'
import './types/scalars.ts'
import './types/session.ts'
import './queries/sessions.ts'
import './queries/events.ts'
import './types/applicant.ts'
import './types/customer.ts'
import './types/attempt.ts'
import './types/operation.ts'
import './types/person.ts'
import './types/provider.ts'
import './federation/entities.ts'
import './queries/node.ts'
import './mutations/create-session.ts'
import './mutations/create-applicant.ts'
import './mutations/create-customer.ts'
import './mutations/change-session.ts'
import './mutations/link-record.ts'
import './mutations/client-token.ts'
import './subscriptions/session-events.ts'

/** The first thing that a documentation explorer shows. */
const DESCRIPTION =
  'One API over the providers a company uses to onboard people. Create a session with `createSession`, read it with ' +
  '`session` or everything about one of your users with `person`, and follow changes with `personUpdated`. `status` is the ' +
  'progress and `outcome` the decision, the same for all providers.'

/** A provider's part of the schema. Loading it registers the provider's union members and inputs. */
export interface SchemaPart {
  readonly graphql: () => Promise<unknown>
}

/**
 * Builds the schema with the parts of these providers and the requested federation fields. By default, input rules are
 * those of production.
 */
export async function buildSchema(
  registry: Readonly<Record<string, SchemaPart>>,
  federation: FederationMode = 'off',
  inputs: InputSettings = { urlHosts: 'PUBLIC' },
): Promise<GraphQLSchema> {
  // One after the other, because the schema has its types in the order in which they are defined.
  for (const provider of Object.values(registry)) await provider.graphql()
  const schema = builder.toSchema({
    directives: [...specifiedDirectives, ...INCREMENTAL_DIRECTIVES],
    extensions: { directives: [FEDERATION_LINK] },
    inputs,
    sortSchema: false,
  })
  const served = withFederation(schema, federation)
  served.description = DESCRIPTION
  boundEnums(served)
  return served
}
