import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** A recorded request and its response. Header names are lower case. */
export interface Recording {
  /** Without the file extension, such as `01-create-valid`. */
  readonly file: string
  readonly request: {
    readonly method: string
    readonly path: string
    readonly headers: Record<string, string>
    readonly body: string
  }
  readonly answer: { readonly status: number; readonly headers: Record<string, string>; readonly body: string }
}

/** The recordings in test/recordings/<provider>, in order. */
export function readRecordings(provider: string): Recording[] {
  const folder = fileURLToPath(new URL(`../../recordings/${provider}/`, import.meta.url))
  return readdirSync(folder)
    .filter(file => /^\d+-.*\.http$/.test(file))
    .sort()
    .map(file => toRecording(file, readFileSync(folder + file, 'utf8')))
}

function toRecording(file: string, text: string): Recording {
  const [requests = '', answered = ''] = text.split(/^--- response.*\n/m)
  const request = toMessage(requests.replace(/^###.*\n/, ''))
  const answer = toMessage(answered)
  const [method = '', path = ''] = request.line.split(' ')
  return {
    file: file.slice(0, -'.http'.length),
    request: { method, path, headers: request.headers, body: request.body },
    answer: { status: Number(answer.line.split(' ')[1]), headers: answer.headers, body: answer.body },
  }
}

function toMessage(text: string): { line: string; headers: Record<string, string>; body: string } {
  const [head = '', ...body] = text.split('\n\n')
  const [line = '', ...lines] = head.split('\n')
  const headers = lines.map(each => [each.split(':')[0]?.toLowerCase() ?? '', each.replace(/^[^:]*: ?/, '')])
  return { line, headers: Object.fromEntries(headers), body: body.join('\n\n').trim() }
}
