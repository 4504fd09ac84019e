import type { JsonObject } from '../../../src/domain/json.ts'
import type {
  CreateCall,
  ProviderClient,
  ProviderModule,
  RecoveryResult,
  UnknownCreate,
} from '../../../src/providers/contract.ts'
import type { RunningSandbox } from '../../../src/sandbox/server.ts'
import { DEFAULT_LIMITS } from '../../../src/upstream/limits.ts'
import { createUpstream } from '../../../src/upstream/upstream.ts'
import { memorySecrets } from '../secrets.ts'

export interface SandboxClient {
  readonly client: ProviderClient
  close(): Promise<void>
}

/** A client of a running sandbox, without an application. */
export function connectToSandbox(module: ProviderModule, { baseUrl }: RunningSandbox, given: object): SandboxClient {
  const { provider, readRejection } = module
  const upstream = createUpstream({ ...DEFAULT_LIMITS, provider, baseUrl, readRejection })
  const settings = module.settings.parse({ baseUrl, ...given })
  const client = module.connect({ settings, upstream, secrets: memorySecrets(), now: () => new Date() })
  return { client, close: () => upstream.close() }
}

/** Creates a session. Returns what is stored of the create after its response was lost, and the session's id. */
export async function loseSession(
  client: ProviderClient,
  input: JsonObject,
  call: Pick<CreateCall, 'reference' | 'externalId' | 'metadata' | 'note'>,
) {
  const sentAt = new Date()
  let noted: string | null = null
  const note = async (text: string) => {
    noted = text
    await call.note?.(text)
  }
  const sent = { idempotencyKey: 'key', ...call, note }
  const created = await client.createSession?.(input, sent)
  if (!created) throw new Error('The provider creates sessions.')
  return { ...sent, input, sentAt, noted: noted as string | null, created, providerId: created.providerId }
}

export function findSession(
  client: ProviderClient,
  create: UnknownCreate,
): Promise<RecoveryResult<object>> | undefined {
  return sessionRecovery(client).find?.(create, {})
}

export function sessionRecovery(client: ProviderClient) {
  const recovery = client.recovery?.session
  if (!recovery) throw new Error('The provider recovers sessions.')
  return recovery
}
