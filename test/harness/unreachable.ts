import { connect, type Socket } from 'node:net'
import { Worker } from 'node:worker_threads'
import { startHostileServer } from './hostile-server.ts'

/** Places where no request can arrive. */
export interface Unreachable {
  readonly origin: string
  close(): Promise<unknown>
}

/** A port at which nobody listens any more. */
export async function openClosedPort(): Promise<Unreachable> {
  const server = await startHostileServer({})
  await server.close()
  return { origin: server.origin, close: async () => {} }
}

/** Its thread sleeps, so that nothing takes connections out of the kernel's queue. */
const SLEEPER = `
  const { parentPort } = require('node:worker_threads')
  const server = require('node:net').createServer()
  server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
    parentPort.postMessage(server.address().port)
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
  })
`
/** More than the kernel queues for a backlog of one. */
const FILLERS = 8

/** A host that is there and never answers the first packet of a connection, like one behind a strict firewall. */
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
