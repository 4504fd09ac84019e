import { createHash } from 'node:crypto'
import type { SandboxContext, SandboxRequest, SandboxResponse } from '../../sandbox/sandbox.ts'
import { refuse } from './sandbox-errors.ts'

interface StoredResponse {
  readonly at: number
  readonly request: string
  readonly answer: SandboxResponse
}

const TTL_MS = 24 * 60 * 60 * 1000

type Handler = (request: SandboxRequest) => SandboxResponse | Promise<SandboxResponse>

/** Returns the first success for a repeated Idempotency-Key; a rejection does not use up the key. */
export function createReplay(context: SandboxContext): (handle: Handler) => Handler {
  const keys = context.collection<StoredResponse>('idempotency_keys')

  return handle => async request => {
    const key = request.headers['idempotency-key']
    if (!key) return handle(request)
    const requestHash = createHash('sha256').update(request.path).update('\n').update(request.body).digest('hex')
    const stored = keys.get(key)
    if (stored && context.clock.now().getTime() - stored.at < TTL_MS) {
      return stored.request === requestHash
        ? stored.answer
        : refuse(409, 'This Idempotency-Key was used with another request.')
    }
    const answer = await handle(request)
    if (answer.status === 200) keys.put(key, { at: context.clock.now().getTime(), request: requestHash, answer })
    return answer
  }
}
