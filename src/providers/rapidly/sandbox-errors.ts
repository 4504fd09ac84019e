import type { SandboxRequest, SandboxResponse } from '../../sandbox/sandbox.ts'
import type { ValidationFault } from './sandbox-validation.ts'

/** Rapidly's error bodies, and the checks before a route. */

export const API_KEY = 'rapidly_oat_sandboxsandboxsandboxsandboxsandbox1'
/** A token without write scopes. */
export const READ_ONLY_KEY = 'rapidly_oat_sandboxsandboxsandboxsandboxreadonly'

export type TokenScope = 'customer_sessions:write' | 'customers:read' | 'customers:write'

/** Thrown inside a route: rejects the request with this response. */
export class Refused extends Error {
  readonly answer: SandboxResponse

  constructor(answer: SandboxResponse) {
    super('refused')
    this.answer = answer
  }
}

/** A route that checks the token's scope and returns a Refused as its response. */
export function guarded(scope: TokenScope, run: (request: SandboxRequest, body: unknown) => SandboxResponse) {
  return (request: SandboxRequest): SandboxResponse => {
    try {
      // FastAPI decodes the body before it checks the credentials, and validates it afterwards.
      const body = readBody(request)
      authorise(request, scope)
      if (body === undefined && takesBody(request)) {
        throw invalid([{ type: 'missing', loc: ['body'], msg: 'Field required', input: null }])
      }
      return run(request, body)
    } catch (error) {
      if (error instanceof Refused) return error.answer
      throw error
    }
  }
}

export function notFound(): Refused {
  return new Refused({ status: 404, json: { error: 'ResourceNotFound', detail: 'Not found' } })
}

/** Throws if there are faults. */
export function refuseFaults(faults: readonly ValidationFault[]): void {
  if (faults.length > 0) throw invalid(faults)
}

/** A rule that Rapidly checks after the validation of the body. */
export function refuseValue(name: string, msg: string, input: unknown): never {
  throw invalid([{ type: 'value_error', loc: ['body', name], msg, input }])
}

function invalid(detail: readonly ValidationFault[]): Refused {
  return new Refused({ status: 422, json: { error: 'RequestValidationError', detail } })
}

function authorise(request: SandboxRequest, scope: TokenScope): void {
  const token = /^bearer +(.*)$/i.exec(request.headers.authorization ?? '')?.[1]
  if (!token) {
    const headers = { 'WWW-Authenticate': 'Bearer realm="rapidly"' }
    throw new Refused({ status: 401, headers, json: { error: 'Unauthorized', detail: 'Unauthorized' } })
  }
  if (token !== API_KEY && token !== READ_ONLY_KEY) {
    refuseToken(401, 'invalid_token', 'The access token provided is expired, revoked, malformed, or invalid.')
  }
  if (token === READ_ONLY_KEY && scope !== 'customers:read') {
    refuseToken(403, 'insufficient_scope', 'The request requires higher privileges than the access token provides.')
  }
}

function refuseToken(status: number, error: string, error_description: string): never {
  throw new Refused({ status, json: { error, error_description } })
}

function takesBody({ method }: SandboxRequest): boolean {
  return method === 'POST' || method === 'PATCH'
}

/** A body of another type than JSON stays text, which no model accepts. */
function readBody(request: SandboxRequest): unknown {
  const text = request.body.toString('utf8')
  if (!takesBody(request) || text === '') return undefined
  if (!/^application\/(.+\+)?json\b/.test(request.headers['content-type'] ?? '')) return text
  try {
    return JSON.parse(text)
  } catch {
    const ctx = { error: 'Expecting value' }
    throw invalid([{ type: 'json_invalid', loc: ['body', 0], msg: 'JSON decode error', input: {}, ctx }])
  }
}
