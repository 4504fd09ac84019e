import { setTimeout as sleep } from 'node:timers/promises'
import { type Delivery, type Reply, toReply } from './delivery.ts'
import { drifted } from './drift.ts'
import type { Drift, Fault } from './fault-rule.ts'
import type { ChosenFaults } from './faults.ts'

const SPACES = Buffer.alloc(64 * 1024, ' ')
const PAGE = Buffer.from(
  '<!doctype html>\n<html><head><title>Be right back</title></head><body><h1>Be right back</h1></body></html>\n',
)

type Broken = NonNullable<ChosenFaults['fault']>

/** What leaves instead of the right answer. The request is carried out, or not, as the fault says. */
export async function faulty({ fault, missed }: ChosenFaults, carryOut: () => Promise<Reply>): Promise<Delivery> {
  if (!fault) return carryOut()
  if (!isCarriedOut(fault)) return instead(fault)
  const right = await carryOut()
  if (fault.kind === 'drift') return change(right, fault) ?? kept(right, missed)
  return spoilt(fault, right) ?? instead(fault)
}

function isCarriedOut(fault: Broken): boolean {
  if (fault.kind === 'reset') return fault.when === 'after'
  return 'processed' in fault ? fault.processed : true
}

function change(right: Reply, drift: Drift): Reply | undefined {
  const text = drifted(right.body.toString('utf8'), drift)
  return text === undefined ? undefined : { ...right, body: Buffer.from(text) }
}

function kept(right: Reply, missed: () => void): Reply {
  missed()
  return right
}

/** The right answer with something wrong about it; undefined where the fault leaves nothing of it. */
function spoilt(fault: Broken, right: Reply): Reply | undefined {
  switch (fault.kind) {
    case 'drip':
      return { ...withLength(right), stream: gone => drip(right.body, fault, gone) }
    case 'oversized':
      // No length is announced: a limit has to count.
      return { ...right, stream: () => pad(right.body, fault.bytes) }
    case 'truncated':
      return withLength({ ...right, body: right.body.subarray(0, Math.floor(right.body.length / 2)) })
    default:
      return undefined
  }
}

function withLength(reply: Reply): Reply {
  return { ...reply, headers: { ...reply.headers, 'content-length': reply.body.length } }
}

async function* drip(body: Buffer, { ms, bytes }: Extract<Fault, { kind: 'drip' }>, gone: AbortSignal) {
  for (let sent = 0; sent < body.length; sent += bytes) {
    await sleep(ms, undefined, { signal: gone })
    yield body.subarray(sent, sent + bytes)
  }
}

/** Spaces behind JSON change nothing about what it says: only the size is wrong. */
async function* pad(body: Buffer, bytes: number) {
  if (body.length > 0) yield body
  for (let left = bytes - body.length; left > 0; left -= SPACES.length) yield SPACES.subarray(0, left)
}

function instead(fault: Broken): Delivery {
  switch (fault.kind) {
    case 'hang':
      return 'HANG'
    case 'html':
      return { status: fault.status, headers: { 'content-type': 'text/html; charset=utf-8' }, body: PAGE }
    case 'redirect':
      return { status: 302, headers: { location: fault.location }, body: Buffer.alloc(0) }
    case 'status':
      return toStatus(fault)
    default:
      return 'RESET'
  }
}

function toStatus({ status, retryAfter, json, text }: Extract<Fault, { kind: 'status' }>): Reply {
  const reply = toReply({ status, json, text })
  return { ...reply, headers: { ...reply.headers, ...(retryAfter !== undefined && { 'retry-after': retryAfter }) } }
}
