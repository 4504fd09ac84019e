import type { Command } from 'commander'
import type { Applicant } from '../domain/applicant.ts'
import type { Customer } from '../domain/customer.ts'
import type { Session } from '../domain/session.ts'
import type { Call } from '../services/call.ts'
import type { Connection } from '../services/connection.ts'
import { type CliContext, examples, withHouse } from './cli.ts'

/** `sessiongraph person`: what one of a tenant's own users asks for. */
export function addPerson(program: Command, cli: CliContext): void {
  const command = program.command('person').description("one of the tenant's own users")

  command
    .command('show <externalId>')
    .description('all records that are stored of the user with this id, with what they say of the person')
    .addHelpText('after', examples('sessiongraph person show usr_1337 --tenant acme'))
    .action((externalId: string) =>
      withHouse(cli, async ({ services }, { tenantId }) => {
        await services.tenants.get(tenantId)
        const call: Call = { tenantId, startedAt: new Date(), signal: new AbortController().signal }
        cli.show([
          ...(await all(after => services.sessions.list(call, { externalId }, { first: PAGE, after }))).map(toSession),
          ...(await all(after => services.applicants.list(call, { externalId }, { first: PAGE, after }))).map(toPerson),
          ...(await all(after => services.customers.list(call, { externalId }, { first: PAGE, after }))).map(toPerson),
        ])
      }),
    )

  command
    .command('erase <externalId>')
    .description('erases all that is stored of the user with this id; it does not come back from the providers')
    .addHelpText('after', examples('sessiongraph person erase usr_1337 --tenant acme'))
    .action((externalId: string) =>
      withHouse(cli, async ({ services }, call) => {
        cli.show([{ ...(await services.erasure.erase(call, externalId)) }])
      }),
    )
}

const PAGE = 100

async function all<T>(page: (after: string | null) => Promise<Connection<T>>): Promise<T[]> {
  const nodes: T[] = []
  for (let after: string | null = null; ; ) {
    const { edges, pageInfo }: Connection<T> = await page(after)
    nodes.push(...edges.map(({ node }) => node))
    if (!pageInfo.hasNextPage) return nodes
    after = pageInfo.endCursor
  }
}

function toSession({ id, provider, providerId, status, outcome, metadata, createdAt }: Session) {
  return { record: 'session', id, provider, providerId, status, outcome, metadata, createdAt }
}

function toPerson(record: Applicant | Customer) {
  const { id, provider, providerId, email, phone, createdAt } = record
  const isApplicant = 'firstName' in record
  const name = isApplicant ? [record.firstName, record.lastName].filter(Boolean).join(' ') : record.name
  return { record: isApplicant ? 'applicant' : 'customer', id, provider, providerId, name, email, phone, createdAt }
}
