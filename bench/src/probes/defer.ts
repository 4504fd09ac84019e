import { median } from '../rounds.ts'
import { authorization } from '../wrk.ts'
import type { Probe } from './probe.ts'

const SLOW_MS = 1500
const ROUNDS = 9

const NOW = 'freshness: { maxAgeSeconds: 0 }'
const DEFERRED = `query deferred($id: ID!) { session(by: { id: $id }) { id status ... @defer { applicant(${NOW}) { id } } } }`
const PLAIN = 'query plain($id: ID!) { session(by: { id: $id }) { id status } }'

/** The time until the first part while one provider is slow, compared with a request that does not call it. */
export const probeDefer: Probe = async arena => {
  const [server] = await arena.start(['ours'])
  if (!server) throw new Error('Nothing was started.')
  try {
    const id = arena.seeded.ids[0] ?? ''
    const firstPart = (query: string) => msToFirstPart(server.url, JSON.stringify({ query, variables: { id } }))
    for (const query of [PLAIN, DEFERRED]) await firstPart(query)
    await arena.setLatency(SLOW_MS)
    const times: { plain: number; deferred: number }[] = []
    for (let n = 0; n < ROUNDS; n++) times.push({ plain: await firstPart(PLAIN), deferred: await firstPart(DEFERRED) })
    const [plain, deferred] = [median(times.map(time => time.plain)), median(times.map(time => time.deferred))]
    return {
      title: `@defer with a provider that takes ${SLOW_MS} ms (a read may take 2 s), median of ${ROUNDS}`,
      titles: ['first part, ms', 'the same without the slow part, ms', 'difference, ms (target 50)'],
      rows: [[deferred.toFixed(1), plain.toFixed(1), (deferred - plain).toFixed(1)]],
    }
  } finally {
    await arena.setLatency(0)
    await server.stop()
  }
}

async function msToFirstPart(url: string, body: string): Promise<number> {
  const headers = { 'content-type': 'application/json', accept: 'multipart/mixed, application/json', authorization }
  const began = performance.now()
  const answer = await fetch(url, { method: 'POST', headers, body })
  const reader = answer.body?.getReader()
  let text = ''
  // The delimiter may come before the part.
  while (!text.includes('"status"')) {
    const chunk = await reader?.read()
    if (!chunk?.value) throw new Error('No first part came.')
    text += Buffer.from(chunk.value).toString()
  }
  const ms = performance.now() - began
  while (!(await reader?.read())?.done);
  return ms
}
