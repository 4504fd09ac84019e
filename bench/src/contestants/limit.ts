import { createServer, type IncomingMessage } from 'node:http'
import { answerFromPostgres } from './limit-postgres.ts'
import type { Variables } from './limit-requests.ts'
import { answerFromSqlite } from './limit-sqlite.ts'
import { listenHere } from './listen.ts'
import { createProviders } from './providers.ts'

/**
 * The limit: the same responses from handwritten code, without GraphQL, authentication, limits, validation or metrics.
 */

function readBody(request: IncomingMessage): Promise<string> {
  return new Promise(resolve => {
    let body = ''
    request.on('data', chunk => {
      body += chunk
    })
    request.on('end', () => resolve(body))
  })
}

const providers = createProviders(process.env)
const isPostgres = process.env.DATABASE_URL?.startsWith('postgres')
const answers = await (isPostgres ? answerFromPostgres : answerFromSqlite)(process.env, providers)
const server = createServer(async (request, response) => {
  const { operationName, variables } = JSON.parse(await readBody(request)) as {
    operationName: string
    variables: Variables
  }
  const body = JSON.stringify({ data: await answers[operationName]?.(variables) })
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }).end(body)
})
listenHere(server)
