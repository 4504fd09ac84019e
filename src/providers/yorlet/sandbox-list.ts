import type { SandboxRequest, SandboxResponse } from '../../sandbox/sandbox.ts'
import { refuse } from './sandbox-errors.ts'

const DEFAULT_LIMIT = 10
const MAX_LIMIT = 100

/** A page in Yorlet's envelope, from objects sorted oldest first; `count` is the total. */
export function listPage<T extends { readonly id: string }>(
  { query }: SandboxRequest,
  oldestFirst: readonly T[],
  show: (item: T) => object = item => item,
): SandboxResponse {
  const items = oldestFirst.toReversed()
  const limit = Number(query.get('limit') ?? DEFAULT_LIMIT)
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIMIT) {
    return refuse(400, `limit must be between 1 and ${MAX_LIMIT}.`, 'limit')
  }
  const after = query.get('starting_after')
  const start = after === null ? 0 : items.findIndex(({ id }) => id === after) + 1
  if (after !== null && start === 0) return refuse(400, `No such object: ${after}`, 'starting_after')
  const data = items.slice(start, start + limit).map(show)
  return {
    status: 200,
    json: { object: 'list', count: items.length, has_more: start + data.length < items.length, data },
  }
}
