import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import { type Behaviour, BROKEN, type Outcome, type RequestedOperation, SUCCEEDED } from './behaviour.ts'
import { http } from './responses.ts'

const MIB = 1024 * 1024
const HUGE = { chunk: Buffer.alloc(64 * 1024, 'x'), times: (200 * MIB) / (64 * 1024) }
let bomb: Buffer | undefined

function gzipBomb(): Buffer {
  bomb ??= gzipSync(Buffer.alloc(32 * MIB, ' '))
  return bomb
}

export const sizes: readonly Behaviour[] = [
  encoded('gzip that was not requested', SUCCEEDED, 'gzip', gzipSync),
  encoded('deflate that was not requested', SUCCEEDED, 'deflate', deflateSync),
  encoded('brotli that was not requested', SUCCEEDED, 'br', brotliCompressSync),
  encoded('an unknown encoding', BROKEN, 'x-secret', gzipSync),
  encoded('invalid gzip', BROKEN, 'gzip', Buffer.from),
  encoded('gzip that ends too early', BROKEN, 'gzip', text => gzipSync(text).subarray(0, -12)),
  // The success comes first: a client without a size limit would accept it.
  encoded('gzip that unfolds to 32 MiB', BROKEN, 'gzip', text => Buffer.concat([gzipSync(text), gzipBomb()])),
  {
    name: 'a body of 200 MiB',
    answers: () => [http(200, '', { 'content-length': String(200 * MIB) }), HUGE],
    becomes: BROKEN,
    takesAtMost: 20 * MIB,
  },
  {
    name: 'a chunked body of 200 MiB',
    answers: () => ['HTTP/1.1 200 OK\r\n\r\n', HUGE, 'CLOSE'],
    becomes: BROKEN,
    takesAtMost: 20 * MIB,
  },
  {
    name: 'headers of 200 MiB',
    answers: () => ['HTTP/1.1 200 OK\r\nx-long: ', HUGE],
    becomes: BROKEN,
    takesAtMost: 20 * MIB,
  },
]

function encoded(name: string, becomes: Outcome, encoding: string, encode: (text: string) => Buffer): Behaviour {
  const answers = ({ made }: RequestedOperation) => [
    http(200, encode(JSON.stringify(made)), { 'content-encoding': encoding }),
  ]
  return { name, becomes, answers }
}
