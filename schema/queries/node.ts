import type { Context } from '../../src/context.ts'
import { decodeGlobalId, MAX_GLOBAL_ID } from '../../src/domain/global-id.ts'
import type { Applicant } from '../../src/domain/records/applicant.ts'
import type { Attempt } from '../../src/domain/records/attempt.ts'
import type { Customer } from '../../src/domain/records/customer.ts'
import type { ProviderOperation } from '../../src/domain/records/operation.ts'
import type { Session } from '../../src/domain/records/session.ts'
import { withOverrides } from '../../src/domain/with-overrides.ts'
import type { Loaders } from '../../src/loaders.ts'
import { builder } from '../builder.ts'
import { globalId } from '../inputs/rules.ts'

const MAX_NODES = 100

/** Hidden in a supergraph, because this `node` cannot find the records of other subgraphs. */
const SESSION_NODES_ONLY = { inaccessible: true, shareable: true } as const

const NODE_LOADERS = {
  Applicant: ({ storedApplicant }: Loaders) => storedApplicant(),
  Attempt: ({ storedAttempt }: Loaders) => storedAttempt(),
  ProviderOperation: ({ storedOperation }: Loaders) => storedOperation(),
  Customer: ({ storedCustomer }: Loaders) => storedCustomer(),
  Session: ({ storedSession }: Loaders) => storedSession(),
} as const

type NodeRecord = Applicant | Attempt | ProviderOperation | Customer | Session

/** The stored record or the person with this id; null if it does not exist or the id is not one of a record type. */
export async function loadNode(globalId: string, context: Context) {
  const decoded = decodeGlobalId(globalId)
  if (decoded?.typename === 'Person') return { externalId: decoded.id, __typename: 'Person' }
  if (!decoded || !Object.hasOwn(NODE_LOADERS, decoded.typename)) return null
  const record = await NODE_LOADERS[decoded.typename as keyof typeof NODE_LOADERS](context.loaders).load(decoded.id)
  return record && withOverrides<NodeRecord, { __typename: string }>(record, { __typename: decoded.typename })
}

builder.queryFields(t => ({
  node: t.field({
    type: builder.nodeInterfaceRef(),
    description: 'Looks up a stored record of any type, or a person. Null if it does not exist.',
    ...SESSION_NODES_ONLY,
    args: {
      id: t.arg.id({ required: true, description: `The id, at most ${MAX_GLOBAL_ID} characters.`, validate: globalId }),
    },
    resolve: (_root, { id }, context) => loadNode(id, context),
  }),
  nodes: t.field({
    type: [builder.nodeInterfaceRef()],
    nullable: { list: true, items: true },
    description:
      'Looks up at most 100 stored records and persons, in the order of `ids`. Null for each that does not exist.',
    ...SESSION_NODES_ONLY,
    extensions: { rowCost: 5 / 4 },
    args: {
      ids: t.arg.idList({
        required: true,
        description: `The ids, at most ${MAX_NODES} of at most ${MAX_GLOBAL_ID} characters each.`,
        validate: {
          maxLength: [MAX_NODES, { message: `Expected at most ${MAX_NODES} ids.` }],
          items: globalId,
        },
      }),
    },
    resolve: (_root, { ids }, context) => Promise.all(ids.map(id => loadNode(id, context))),
  }),
}))
