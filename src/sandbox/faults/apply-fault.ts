import { setTimeout as sleep } from 'node:timers/promises'
import { type SandboxOutput, type SandboxReply, toReply } from '../send-response.ts'
import { applyDrift } from './apply-drift.ts'
import type { DriftFault, Fault } from './fault-rule.ts'
import type { SelectedFault } from './faults.ts'

const SPACES = Buffer.alloc(64 * 1024, ' ')
const PAGE = Buffer.from(
  '<!doctype html>\n<html><head><title>Be right back</title></head><body><h1>Be right back</h1></body></html>\n',
)

type Broken = NonNullable<SelectedFault['fault']>

/** The response with the fault applied. The fault decides whether the request is carried out. */
export async function applyFault(
  { fault, missed }: SelectedFault,
  carryOut: () => Promise<SandboxReply>,
): Promise<SandboxOutput> {
  if (!fault) return carryOut()
  if (!isCarriedOut(fault)) return replaceBody(fault)
  const right = await carryOut()
  if (fault.kind === 'drift') return change(right, fault) ?? unchanged(right, missed)
  return corrupt(fault, right) ?? replaceBody(fault)
}

function isCarriedOut(fault: Broken): boolean {
  if (fault.kind === 'reset') return fault.when === 'after'
  return 'processed' in fault ? fault.processed : true
}

function change(right: SandboxReply, drift: DriftFault): SandboxReply | undefined {
  const text = applyDrift(right.body.toString('utf8'), drift)
  return text === undefined ? undefined : { ...right, body: Buffer.from(text) }
}

function unchanged(right: SandboxReply, missed: () => void): SandboxReply {
  missed()
  return right
}

/** The correct response, damaged; undefined if the fault replaces it. */
function corrupt(fault: Broken, right: SandboxReply): SandboxReply | undefined {
  switch (fault.kind) {
    case 'drip':
      return { ...withLength(right), stream: signal => drip(right.body, fault, signal) }
    case 'oversized':
      // Streamed without a content length, so that a client has to count for its limit.
      return { ...right, stream: () => pad(right.body, fault.bytes) }
    case 'truncated':
      return withLength({ ...right, body: right.body.subarray(0, Math.floor(right.body.length / 2)) })
    default:
      return undefined
  }
}

function withLength(reply: SandboxReply): SandboxReply {
  return { ...reply, headers: { ...reply.headers, 'content-length': reply.body.length } }
}

async function* drip(body: Buffer, { ms, bytes }: Extract<Fault, { kind: 'drip' }>, signal: AbortSignal) {
  for (let sent = 0; sent < body.length; sent += bytes) {
    await sleep(ms, undefined, { signal: signal })
    yield body.subarray(sent, sent + bytes)
  }
}

/** Trailing spaces leave the JSON valid: only the size is wrong. */
async function* pad(body: Buffer, bytes: number) {
  if (body.length > 0) yield body
  for (let remaining = bytes - body.length; remaining > 0; remaining -= SPACES.length)
    yield SPACES.subarray(0, remaining)
}

function replaceBody(fault: Broken): SandboxOutput {
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

function toStatus({ status, retryAfter, json, text }: Extract<Fault, { kind: 'status' }>): SandboxReply {
  const reply = toReply({ status, json, text })
  return { ...reply, headers: { ...reply.headers, ...(retryAfter !== undefined && { 'retry-after': retryAfter }) } }
}
