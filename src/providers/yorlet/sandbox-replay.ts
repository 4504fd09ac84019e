import { createHash } from 'node:crypto'
import type { Answer, SandboxKit, SandboxRequest } from '../../sandbox/sandbox.ts'
import { refuse } from './sandbox-error.ts'

interface Kept {
  readonly at: number
  readonly request: string
  readonly answer: Answer
}

const KEPT_MS = 24 * 60 * 60 * 1000

type Handler = (request: SandboxRequest) => Answer | Promise<Answer>

/** Answers a repeated Idempotency-Key with the first success; a refusal leaves the key free. */
export function createReplay(kit: SandboxKit): (handle: Handler) => Handler {
  const keys = kit.collection<Kept>('idempotency_keys')

  return handle => async request => {
    const key = request.headers['idempotency-key']
    if (!key) return handle(request)
    const asked = createHash('sha256').update(request.path).update('\n').update(request.body).digest('hex')
    const kept = keys.get(key)
    if (kept && kit.clock.now().getTime() - kept.at < KEPT_MS) {
      return kept.request === asked ? kept.answer : refuse(409, 'This Idempotency-Key was used with another request.')
    }
    const answer = await handle(request)
    if (answer.status === 200) keys.put(key, { at: kit.clock.now().getTime(), request: asked, answer })
    return answer
  }
}
