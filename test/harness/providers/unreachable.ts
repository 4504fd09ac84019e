import { connect, type Socket } from 'node:net'
import { Worker } from 'node:worker_threads'
import { startHostileServer } from './hostile-server.ts'

/** Unreachable addresses. */
export interface Unreachable {
  readonly origin: string
  close(): Promise<unknown>
}

/** A closed port. */
export async function openClosedPort(): Promise<Unreachable> {
  const server = await startHostileServer({})
  await server.close()
  return { origin: server.origin, close: async () => {} }
}

/** The thread blocks, so that no connection is accepted from the kernel's queue. */
const SLEEPER = `
  const { parentPort } = require('node:worker_threads')
  const server = require('node:net').createServer()
  server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
    parentPort.postMessage(server.address().port)
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
  })
`
/** More connections than the kernel queues for a backlog of one. */
const FILLERS = 8

/** A host that never replies to SYN packets, as behind a firewall that drops them. */
export async function openBlackHole(): Promise<Unreachable> {
  const worker = new Worker(SLEEPER, { eval: true })
  const port = await new Promise<number>(resolve => worker.once('message', resolve))
  const fillers = Array.from({ length: FILLERS }, () => fill(port))
  await new Promise(resolve => setTimeout(resolve, 50))
  return {
    origin: `http://127.0.0.1:${port}`,
    close: () => {
      for (const socket of fillers) socket.destroy()
      return worker.terminate()
    },
  }
}

function fill(port: number): Socket {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  return socket
}
