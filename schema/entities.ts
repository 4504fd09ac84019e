import { z } from 'zod'
import type { Context } from '../src/context.ts'
import { builder } from './builder.ts'
import { loadNode } from './node.ts'
import { ApplicantRef, AttemptRef, CustomerRef, PersonRef, SessionRef } from './refs.ts'

/** What other subgraphs may refer to, and how a gateway gets at it: Apollo Federation 2. */

const MAX_REPRESENTATIONS = 100

const NODES = { Applicant: ApplicantRef, Attempt: AttemptRef, Customer: CustomerRef, Session: SessionRef } as const

for (const ref of Object.values(NODES)) {
  builder.asEntity(ref, {
    key: builder.selection<{ id: string }>('id'),
    resolveReference: (key, context) => loadEntity({ ...key, __typename: ref.name }, context) as never,
  })
}
builder.asEntity(PersonRef, {
  key: builder.selection<{ externalId: string }>('externalId'),
  resolveReference: ({ externalId }, context) => context.loaders.person.load(externalId),
})

builder.scalarType('_Any', {
  description: 'An entity as another subgraph knows it: its __typename and its key.',
  serialize: value => value,
  parseValue: value => value,
})

const EntityUnion = builder.unionType('_Entity', {
  description: 'What other subgraphs may refer to.',
  types: [ApplicantRef, AttemptRef, CustomerRef, PersonRef, SessionRef],
  resolveType: entity => (entity as unknown as { __typename: string }).__typename,
})

builder.queryField('_entities', t =>
  t.field({
    type: [EntityUnion],
    nullable: { list: false, items: true },
    description: 'For a gateway: entities by their keys, at most 100, from our store; null in the place of each miss.',
    args: {
      representations: t.arg({
        type: ['_Any'],
        required: true,
        description: 'Their types and keys.',
        validate: {
          maxLength: [MAX_REPRESENTATIONS, { message: `Expected at most ${MAX_REPRESENTATIONS} representations.` }],
        },
      }),
    },
    resolve: (_root, { representations }, context) =>
      Promise.all(representations.map(representation => loadEntity(representation, context))) as Promise<never[]>,
  }),
)

const representation = z.union([
  z.object({ __typename: z.enum(Object.keys(NODES) as (keyof typeof NODES)[]), id: z.string() }),
  z.object({ __typename: z.literal('Person'), externalId: z.string() }),
])

/** What is no key of ours is a miss like any other. */
async function loadEntity(given: unknown, context: Context) {
  const { data: key } = representation.safeParse(given)
  if (!key) return null
  if (key.__typename === 'Person') {
    const person = await context.loaders.person.load(key.externalId)
    return person && { ...person, __typename: key.__typename }
  }
  const node = await loadNode(key.id, context)
  return node?.__typename === key.__typename ? node : null
}
