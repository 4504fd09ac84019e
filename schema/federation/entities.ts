import { z } from 'zod'
import type { Context } from '../../src/context.ts'
import { toPerson } from '../../src/domain/records/person.ts'
import { builder } from '../builder.ts'
import { loadNode } from '../queries/node.ts'
import { ApplicantRef, AttemptRef, CustomerRef, PersonRef, SessionRef } from '../types/refs.ts'

/** The entities that other subgraphs can reference, and `_entities`, which resolves them (Apollo Federation 2). */

const MAX_REPRESENTATIONS = 100
const MAX_KEY_BYTES = 2048

/** The rule for an entity representation. */
const keyOfEntity = z.unknown().refine(given => Buffer.byteLength(JSON.stringify(given ?? null)) <= MAX_KEY_BYTES, {
  error: `Expected at most ${MAX_KEY_BYTES} bytes of JSON.`,
})

const NODES = { Applicant: ApplicantRef, Attempt: AttemptRef, Customer: CustomerRef, Session: SessionRef } as const

for (const ref of Object.values(NODES)) {
  builder.asEntity(ref, {
    key: builder.selection<{ id: string }>('id'),
    // Pothos expects the type of this one node, and a union of nodes is what `ref` is.
    resolveReference: (key, context) => loadEntity({ ...key, __typename: ref.name }, context) as never,
  })
}
builder.asEntity(PersonRef, {
  key: [builder.selection<{ id: string }>('id'), builder.selection<{ externalId: string }>('externalId')],
  resolveReference: key => toPerson(key),
})

builder.scalarType('_Any', {
  description: 'A reference to an entity of this subgraph: its __typename and key.',
  serialize: value => value,
  parseValue: value => value,
})

const EntityUnion = builder.unionType('_Entity', {
  description: 'The entities that other subgraphs can refer to.',
  types: [ApplicantRef, AttemptRef, CustomerRef, PersonRef, SessionRef],
  resolveType: entity => ('__typename' in entity ? String(entity.__typename) : undefined),
})

builder.queryField('_entities', t =>
  t.field({
    type: [EntityUnion],
    nullable: { list: false, items: true },
    description: 'For a gateway: at most 100 stored entities by their keys. Null for each that does not exist.',
    extensions: { rowCost: 5 / 4 },
    args: {
      representations: t.arg({
        type: ['_Any'],
        required: true,
        description: 'Their types and keys, at most 100, each of at most 2048 bytes of JSON.',
        validate: {
          maxLength: [MAX_REPRESENTATIONS, { message: `Expected at most ${MAX_REPRESENTATIONS} representations.` }],
          items: { schema: keyOfEntity },
        },
      }),
    },
    resolve: (_root, { representations }, context) =>
      Promise.all(representations.map(representation => loadEntity(representation, context))) as Promise<never[]>,
  }),
)

const representation = z.union([
  z.object({ __typename: z.enum(Object.keys(NODES) as (keyof typeof NODES)[]), id: z.string() }),
  z.object({ __typename: z.literal('Person'), id: z.unknown().optional(), externalId: z.unknown().optional() }),
])

/** Null for an invalid key, as for an entity that does not exist. */
async function loadEntity(given: unknown, context: Context) {
  const { data: key } = representation.safeParse(given)
  if (!key) return null
  if (key.__typename === 'Person') {
    const person = toPerson(key)
    return person && { ...person, __typename: key.__typename }
  }
  const node = await loadNode(key.id, context)
  return node?.__typename === key.__typename ? node : null
}
