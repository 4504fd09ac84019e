import type { Asked } from './asked.ts'
import { badRequest } from './refusal.ts'

/** Any of them, with any value: a page of another site cannot send one unless its browser asked us before. */
export const PREFLIGHT_HEADERS = [
  'graphql-require-preflight',
  'apollo-require-preflight',
  'x-apollo-operation-name',
  'x-graphql-yoga-csrf',
] as const

export function checkPreflight({ header }: Asked): void {
  if (PREFLIGHT_HEADERS.some(name => header(name))) return
  throw badRequest(`Expected a header "${PREFLIGHT_HEADERS[0]}: true" on a request by GET.`)
}
