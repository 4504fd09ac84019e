import { Agent, request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { median, warmUp } from '../rounds.ts'
import { authorization, execute, load } from '../wrk.ts'
import type { Probe } from './probe.ts'

const CONNECTIONS = 64
const TIMES = 3
const SECONDS = 5
const TICK_MS = 5

interface Answer {
  readonly status: number
  readonly ms: number
}

/**
 * Sends three times as many requests per second as the capacity, without waiting for earlier ones: the goodput, and the
 * latency of refusals.
 */
export const probeOverload: Probe = async (arena, cells, { warmUpSeconds }) => {
  const [server] = await arena.start(['ours'])
  if (!server) throw new Error('Nothing was started.')
  try {
    const { bodies } = cells.local
    await warmUp(cells.local, server, CONNECTIONS, warmUpSeconds)
    const { requests, seconds } = await load(server.url, bodies, CONNECTIONS, SECONDS)
    const capacity = requests / seconds
    const { answers, endedMs } = await flood(server.url, bodies, capacity * TIMES)
    const began = performance.now()
    while ((await execute(server.url, bodies[0] ?? '')).data === undefined) await sleep(10)
    const recoveryMs = performance.now() - began
    const served = answers.filter(({ status }) => status === 200)
    const refused = answers.filter(({ status }) => status === 503).map(({ ms }) => ms)
    const goodput = served.length / (endedMs / 1000)
    const figures = [capacity, TIMES * capacity, goodput].map(figure => figure.toFixed(0))
    const quantile = (of: readonly number[], share: number) =>
      of.length === 0 ? '' : ([...of].sort((a, b) => a - b)[Math.floor(share * of.length)] ?? 0).toFixed(0)
    return {
      title: `Overload: ${TIMES} times what can be answered of \`local\`, for ${SECONDS} s`,
      titles: [
        'capacity per second',
        'sent per second',
        'goodput per second',
        'share (target 0.90)',
        'refused',
        'refused after, median ms (target 50)',
        'served after, p99 ms',
        'neither',
        'first answer after it, ms (target 2,000)',
      ],
      rows: [
        [
          ...figures,
          (goodput / capacity).toFixed(2),
          String(refused.length),
          refused.length === 0 ? '' : median(refused).toFixed(0),
          quantile(
            served.map(({ ms }) => ms),
            0.99,
          ),
          String(answers.length - served.length - refused.length),
          recoveryMs.toFixed(0),
        ],
      ],
    }
  } finally {
    await server.stop()
  }
}

/** Sends requests at this rate, and waits for the last response. */
async function flood(url: string, bodies: readonly string[], perSecond: number) {
  const agent = new Agent({ keepAlive: true })
  const requests: Promise<Answer>[] = []
  const began = performance.now()
  for (let now = 0; now < SECONDS * 1000; now = performance.now() - began) {
    while (requests.length < (perSecond * now) / 1000)
      requests.push(send(agent, url, bodies[requests.length % bodies.length] ?? ''))
    await sleep(TICK_MS)
  }
  const answers = await Promise.all(requests)
  agent.destroy()
  return { answers, endedMs: performance.now() - began }
}

function send(agent: Agent, url: string, body: string): Promise<Answer> {
  const began = performance.now()
  const headers = { authorization, 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
  return new Promise(resolve => {
    const end = (status: number) => resolve({ status, ms: performance.now() - began })
    const sent = request(url, { method: 'POST', agent, headers }, answer => {
      answer.resume().on('end', () => end(answer.statusCode ?? 0))
    })
    sent.on('error', () => end(0)).end(body)
  })
}
