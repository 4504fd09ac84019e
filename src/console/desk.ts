import type { Database } from '../../db/database.ts'
import type { Services } from '../services/services.ts'
import type { BriefMemory } from './brief-memory.ts'

/** What the pages' questions are answered from. */
export interface Desk {
  readonly db: Database
  readonly services: Services
  readonly now: () => Date
  readonly remember: BriefMemory
}

/** An administrator, and the tenant that alone is shown. */
export interface Operator {
  readonly tenantId: string
  readonly keyId: string
}

export interface Question {
  readonly method: string
  /** Below the address of the questions, such as `/health`. */
  readonly path: string
  readonly search: URLSearchParams
  /** Of a POST; undefined otherwise. */
  readonly body: unknown
}

/** What one address answers. `id` is what the address names; '' where it names nothing. */
export type Answer = (desk: Desk, operator: Operator, asked: { id: string } & Question) => Promise<object>
