/** The responses of the admin API. Times are ISO strings; times of charts are epoch milliseconds. */

declare module '*/uplot.js' {
  export { default } from 'uplot'
}

interface ProviderHealth {
  provider: string
  configured: boolean
  sandbox: boolean
  health: { circuit: string; errorRate: number; p50Ms: number | null; p95Ms: number | null; inFlight: number } | null
  at: number[]
  p50Ms: (number | null)[]
  p95Ms: (number | null)[]
  errorRate: (number | null)[]
  calls: number[]
  circuit: number[]
}

interface HealthAnswer {
  span: string
  stepMs: number
  from: number
  until: number
  providers: ProviderHealth[]
}

interface SessionRow {
  id: string
  graphqlId: string
  provider: string
  providerId: string
  status: string
  outcome: string
  providerStatus: string | null
  externalId: string | null
  createdAt: string
  updatedAt: string
}

interface RecordRow {
  id: string
  graphqlId: string
  provider: string
  providerId: string
  createdAt: string
}

interface SearchAnswer {
  /** The types that the key may not read. */
  denied: string[]
  sessions: SessionRow[]
  applicants: RecordRow[]
  customers: RecordRow[]
}

interface Funnel {
  provider: string
  created: number
  started: number
  completed: number
  /** Null if the provider reports no outcomes. */
  approved: number | null
}

interface SessionsAnswer {
  days: number
  total: number
  cut: boolean
  groups: { status: string; outcome: string; count: number }[]
  funnels: Funnel[]
  daily: { at: number[]; created: number[]; approved: number[] }
  rows: SessionRow[]
}

interface TimelineEvent {
  at: string
  source: string
  type: string
  from?: string | null
  to?: string
  fromOutcome?: string | null
  outcome?: string
  providerStatus?: string | null
  attemptId?: string
  providerEvent?: string
  applied?: boolean
  applicantId?: string | null
  customerId?: string | null
}

interface SessionAnswer {
  session: SessionRow
  events: TimelineEvent[]
  cut: boolean
}

interface OperationRow {
  id: string
  idempotencyKey: string
  kind: string
  provider: string
  state: string
  createdAt: string
  sentAt: string | null
  nextCheckAt: string | null
  recordId: string | null
  sendCount: number
  errorCode: string | null
  settlesItself: boolean
  searchHints: SearchHints | null
}

/** What to search for at the provider. A value is null without the scope for personal data. */
interface SearchHints {
  from: string
  to: string
  traces: { where: string; value: string | null }[]
  warning: string | null
}

interface OperationsAnswer {
  rows: OperationRow[]
  cut: boolean
}

interface DeliveryRow {
  id: string
  provider: string
  event: string | null
  state: string
  attempts: number
  receivedAt: string
  appliedAt: string | null
  lagMs: number | null
}

interface WebhooksAnswer {
  waiting: number
  quarantined: number
  lagMs: number
  endpoints: { id: string; provider: string; lastReceivedAt: string | null }[]
  rows: DeliveryRow[]
  cut: boolean
}

interface DriftRow {
  provider: string
  operation: string
  grade: string
  path: string
  shape: string | null
  count: number
  firstAt: string
  lastAt: string
}

interface DriftAnswer {
  rows: DriftRow[]
  cut: boolean
}
