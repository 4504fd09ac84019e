import { isDeepStrictEqual } from 'node:util'
import type { Cell } from './cells.ts'
import type { Contestant } from './contestants.ts'
import { execute } from './wrk.ts'

const SAMPLES = 12

/** Throws if a contestant responds to a request of the cell with other JSON than the first one. */
export async function compare(cell: Cell, contestants: readonly Contestant[]): Promise<void> {
  const step = Math.max(1, Math.floor(cell.bodies.length / SAMPLES))
  for (let index = 0; index < cell.bodies.length; index += step) {
    const body = cell.bodies[index] ?? ''
    const answers = await Promise.all(contestants.map(async ({ url }) => comparable(await execute(url, body))))
    for (const [nth, answer] of answers.entries()) {
      if (isDeepStrictEqual(answer, answers[0]) && isAnswer(answer)) continue
      const [theirs, ours] = [answer, answers[0]].map(value => JSON.stringify(value).slice(0, 2000))
      const names = `${contestants[nth]?.name} and ${contestants[0]?.name}`
      throw new Error(`${cell.name}: ${names} answer differently.\n${body}\n${theirs}\n${ours}`)
    }
  }
}

function isAnswer(answer: unknown): boolean {
  return typeof answer === 'object' && answer !== null && 'data' in answer && !('errors' in answer)
}

/** Extensions are not compared. Each create makes another session: its ids and its link are compared by their shape. */
function comparable({ extensions: _ours, ...answer }: { data?: unknown; extensions?: unknown }): unknown {
  const created = (answer.data as { createSession?: { session: Record<string, unknown> } } | null)?.createSession
  if (!created) return answer
  const { id, providerId, access, ...session } = created.session
  const shape = [typeof id, typeof providerId, typeof (access as { hostedUrl?: unknown }).hostedUrl]
  return { data: { createSession: { ...created, session: { ...session, shape } } } }
}
