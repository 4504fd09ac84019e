import type { Database } from '../../db/core/database.ts'
import type { Scope } from '../domain/access/caller.ts'
import type { Services } from '../services/services.ts'
import type { QueryCache } from './query-cache.ts'

/** The dependencies of the admin API. */
export interface AdminDeps {
  readonly db: Database
  readonly services: Services
  readonly now: () => Date
  readonly cache: QueryCache
}

/** An administrator, who sees only this tenant. */
export interface Operator {
  readonly tenantId: string
  readonly keyId: string
  readonly scopes: ReadonlySet<Scope>
}

export interface AdminRequest {
  readonly method: string
  /** The path below the API's prefix, such as `/health`. */
  readonly path: string
  readonly search: URLSearchParams
  /** The JSON body of a POST; undefined otherwise. */
  readonly body: unknown
}

/** The handler of one route. `id` is the id in the path; '' if there is none. */
export type AdminHandler = (
  deps: AdminDeps,
  operator: Operator,
  search: { id: string } & AdminRequest,
) => Promise<object>
