import type { GraphQLError, GraphQLSchema } from 'graphql'
import { type DeferredPart, findDeferredParts, type ResponsePath, rootTypeOf } from './deferred-parts.ts'
import type { LabeledOperation } from './labeled-operation.ts'

/** A part of a response as the executor returns it, in the format of 2022. */
export interface ExecutedPart {
  readonly data?: unknown
  readonly items?: readonly unknown[] | null
  readonly path?: ResponsePath
  readonly label?: string
  readonly errors?: readonly GraphQLError[]
  readonly extensions?: Readonly<Record<string, unknown>>
  readonly incremental?: readonly ExecutedPart[]
  readonly hasNext?: boolean
}

interface PendingPart extends DeferredPart {
  readonly id: string
}

interface Completed {
  readonly id: string
  readonly errors?: readonly GraphQLError[]
}

/**
 * A response in the format that Apollo calls `incrementalSpec=v0.2` and graphql-js 17 alpha sends: `pending` announces each
 * part with an id, and `incremental` and `completed` refer to it.
 */
export async function* toIncrementalV2023(
  results: AsyncIterable<ExecutedPart>,
  schema: GraphQLSchema,
  labeled: LabeledOperation,
): AsyncGenerator<object> {
  let ids = 0
  const open = new Set<PendingPart>()
  const root = { type: rootTypeOf(schema, labeled), selections: labeled.operation.selectionSet.selections, path: [] }

  /** Adds the parts that follow after `data`. Returns what announces them. */
  function announce(parts: readonly DeferredPart[]): object[] {
    return parts.map(part => {
      const id = String(ids++)
      open.add({ ...part, id })
      const label = labeled.labels.get(part.label)
      return { id, path: part.path, ...(label !== undefined && { label }) }
    })
  }

  function findOpen({ path = [], label = '', items }: ExecutedPart): PendingPart | undefined {
    const at = items === undefined ? path : path.slice(0, -1)
    return [...open].find(part => part.label === label && part.path.join() === at.join())
  }

  function toNext({ incremental = [], hasNext = false, extensions }: ExecutedPart): object {
    const pending: object[] = []
    const parts: object[] = []
    const completed: Completed[] = []
    for (const executed of incremental) {
      const part = findOpen(executed)
      // A part of an object whose type the operation does not select is announced with its data.
      const id = part?.id ?? announceLate(executed, pending)
      const { data, items, errors, path = [] } = executed
      if (data == null && items == null) {
        completed.push({ id, errors })
        if (part) open.delete(part)
        continue
      }
      parts.push({ id, ...(items ? { items } : { data }), ...(errors && { errors }) })
      if (part) pending.push(...announce(findPartsBelow(part, data, items, path)))
      if (items) continue
      completed.push({ id })
      if (part) open.delete(part)
    }
    if (!hasNext) {
      for (const { id } of open) completed.push({ id })
      open.clear()
    }
    return {
      ...(pending.length > 0 && { pending }),
      ...(parts.length > 0 && { incremental: parts }),
      ...(completed.length > 0 && { completed }),
      ...(extensions && { extensions }),
      hasNext,
    }
  }

  function findPartsBelow(
    part: PendingPart,
    data: unknown,
    items: ExecutedPart['items'],
    path: ResponsePath,
  ): readonly DeferredPart[] {
    if (!items) return findDeferredParts(schema, labeled, part, data)
    const [first] = path.slice(-1)
    return items.flatMap((item, index) =>
      findDeferredParts(schema, labeled, { ...part, path: [...part.path, Number(first) + index] }, item),
    )
  }

  function announceLate({ path, label = '' }: ExecutedPart, pending: object[]): string {
    const id = String(ids++)
    const ofClient = labeled.labels.get(label)
    pending.push({ id, path, ...(ofClient !== undefined && { label: ofClient }) })
    return id
  }

  let isFirst = true
  for await (const result of results) {
    if (!isFirst) {
      yield toNext(result)
      continue
    }
    isFirst = false
    const pending = result.hasNext ? announce(findDeferredParts(schema, labeled, root, result.data)) : []
    const { incremental: early, ...initial } = result
    yield { ...initial, ...(pending.length > 0 && { pending }) }
    if (early) yield toNext({ incremental: early, hasNext: result.hasNext })
  }
}
