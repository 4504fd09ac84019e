/** The responses of the admin API. Times are ISO strings; times of charts are epoch milliseconds. */

declare module '*/uplot.js' {
  export { default } from 'uplot'
}

interface OpenCircuit {
  kind: string
  state: string
  since: string
  failure: string | null
  nextTryAt: string
}

/** Calls of one kind, most of which failed lately. */
interface FailingCalls {
  kind: string
  calls: number
  failed: number
  since: string
  failure: string
}

interface HealthNow {
  state: string
  circuit: string
  failing: FailingCalls[]
  lastTest: { at: string; ok: boolean } | null
  openCircuits: OpenCircuit[]
  authFailedSince: string | null
  /** True if the provider accepted the credentials since the start of this process. */
  isAuthProven: boolean
  calls: number
  errorRate: number
  p50Ms: number | null
  p95Ms: number | null
  inFlight: number
}

interface ProviderHealth {
  provider: string
  configured: boolean
  sandbox: boolean
  health: HealthNow | null
  total: {
    calls: number
    failed: number
    failures: Record<string, number>
    p50Ms: number | null
    p95Ms: number | null
    p99Ms: number | null
  }
  at: number[]
  calls: number[]
  failed: number[]
  p50Ms: (number | null)[]
  p95Ms: (number | null)[]
  p99Ms: (number | null)[]
  circuit: number[]
}

interface HealthAnswer {
  span: string
  stepMs: number
  from: number
  until: number
  providers: ProviderHealth[]
}

interface AttentionProvider {
  provider: string
  health: HealthNow | null
  credentials: { from: string | null; secrets: string[] }
}

interface AttentionAnswer {
  asOf: string
  creates: { stuck: number; slow: number; searching: number; cut: boolean; rows: OperationRow[] }
  deliveries: { quarantined: number; waiting: number; waitingMs: number; late: boolean; rows: DeliveryRow[] }
  drift: { refused: number; rows: DriftRow[] }
  providers: AttentionProvider[]
  late: { polls: number; recoveries: number; afterMs: number }
}

interface CheckAnswer {
  ok: boolean
  message: string
}

interface AuditAnswer {
  rows: AuditRow[]
  cut: boolean
}

interface AuditRow {
  id: string
  at: string
  actor: string
  actorName: string | null
  action: string
  /** Our id of the object, or the name of a provider; null for a person, and after the erasure of a person. */
  object: string | null
  /** The name of an API key. */
  objectName: string | null
  /** A hash of the external id of an erased person. */
  personHash: string | null
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
  /** The scopes that the key lacks. */
  denied: string[]
  sessions: SessionRow[]
  applicants: RecordRow[]
  customers: RecordRow[]
  creates: CreateRow[]
  deliveries: DeliveryRow[]
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
  next: string | null
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
  fromApplicantId?: string | null
  fromCustomerId?: string | null
}

interface SessionAnswer {
  session: SessionRow
  events: TimelineEvent[]
  cut: boolean
  attempts: AttemptRow[]
  deliveries: DeliveryRow[]
  /** Null if the session was not made here, or the create is not stored any more. */
  create: CreateRow | null
  /** Why the action is not offered; null if it is. */
  actions: { refresh: string | null; cancel: string | null }
}

interface AttemptRow {
  id: string
  providerId: string
  kind: string
  status: string
  providerStatus: string | null
  failureCode: string | null
  createdAt: string
  completedAt: string | null
}

interface CreateRow {
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
  errorMessage: string | null
  requestId: string | null
}

interface OperationRow extends CreateRow {
  /** How the id of a found record is checked: READ, UNCHECKED, or UNSUPPORTED. */
  foundCheck: string
  settlesItself: boolean
}

interface OperationAnswer {
  row: OperationRow & { searchHints: SearchHints | null }
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
  nextAttemptAt: string | null
  lagMs: number | null
  /** Why it could not be applied the last time. */
  error: { code: string; message: string } | null
  dismissed: { note: string; at: string } | null
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
