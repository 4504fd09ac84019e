import type { Context } from '../src/context.ts'
import { altered } from '../src/domain/altered.ts'
import { decodeGlobalId } from '../src/domain/global-id.ts'
import { builder } from './builder.ts'
import { ApplicantRef, AttemptRef, CreateOperationRef, CustomerRef, SessionRef } from './refs.ts'

const MAX_NODES = 100

/** A graph of many subgraphs can have but one `node`, and ours cannot find what is not ours. */
const AT_HOME_ONLY = { inaccessible: true, shareable: true } as const

const NODES = {
  Applicant: ApplicantRef,
  Attempt: AttemptRef,
  CreateOperation: CreateOperationRef,
  Customer: CustomerRef,
  Session: SessionRef,
} as const

/** The stored record with this id, null where there is none: an unknown noun is a miss like any other. */
export async function loadNode(globalId: string, context: Context) {
  const decoded = decodeGlobalId(globalId)
  const ref =
    decoded && Object.hasOwn(NODES, decoded.typename) ? NODES[decoded.typename as keyof typeof NODES] : undefined
  if (!decoded || !ref) return null
  const record = await ref.getDataloader(context).load(decoded.id)
  return record && altered(record, { __typename: decoded.typename })
}

builder.queryFields(t => ({
  node: t.field({
    type: builder.nodeInterfaceRef(),
    description: 'Anything by its id, from our store. Null where there is none.',
    ...AT_HOME_ONLY,
    args: { id: t.arg.id({ required: true, description: 'The id.' }) },
    resolve: (_root, { id }, context) => loadNode(id, context),
  }),
  nodes: t.field({
    type: [builder.nodeInterfaceRef()],
    nullable: { list: true, items: true },
    description: 'Many things by their ids, at most 100, in the order asked; null in the place of what is not there.',
    ...AT_HOME_ONLY,
    args: {
      ids: t.arg.idList({
        required: true,
        description: 'The ids.',
        validate: { maxLength: [MAX_NODES, { message: `Expected at most ${MAX_NODES} ids.` }] },
      }),
    },
    resolve: (_root, { ids }, context) => Promise.all(ids.map(id => loadNode(id, context))),
  }),
}))
