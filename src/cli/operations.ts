import { type Command, Option } from 'commander'
import { CREATE_STATES, type CreateOperation, type CreateState } from '../domain/operation.ts'
import type { House } from '../house.ts'
import { limitOption } from './arguments.ts'
import { writeDown } from './audit.ts'
import { type CliContext, examples, orAdvise, type TenantCall, typed, withTenant } from './cli.ts'

/** `sessiongraph operations`: the creates whose outcome is not known, and what an operator can do about them. */
export function addOperations(program: Command, cli: CliContext): void {
  const command = program
    .command('operations')
    .description('creates of sessions, applicants and customers: what became of them, and settling what is stuck')

  command
    .command('list')
    .description('the newest creates whose outcome is not known, or that are in the states given')
    .addOption(new Option('--state <state...>', 'one state or several').choices(CREATE_STATES).default(['UNKNOWN']))
    .addOption(limitOption(50, 'creates'))
    .addHelpText(
      'after',
      examples('sessiongraph operations list', 'sessiongraph operations list --state UNKNOWN FAILED --limit 10'),
    )
    .action((options: { state: CreateState[]; limit: number }) =>
      withTenant(cli, async ({ services }, call) => {
        cli.show((await services.operations.list(call, options.state, options.limit)).map(toRow))
      }),
    )

  command
    .command('show')
    .description('one create')
    .argument('<id>', ID)
    .addHelpText('after', examples('sessiongraph operations show signup-1337'))
    .action((id: string) => withTenant(cli, async (house, call) => cli.show([toRow(await find(cli, house, call, id))])))

  command
    .command('settle')
    .description('writes down what became of a create whose outcome is not known, after you looked at the provider')
    .argument('<id>', ID)
    .usage('<id> (--found <providerId> | --absent) [options]')
    .addOption(new Option('--found <providerId>', 'it was made: its id at the provider').conflicts('absent'))
    .option('--absent', 'it was never made: the same idempotency key may send it again')
    .addHelpText(
      'after',
      examples(
        'sessiongraph operations settle 01a1fc51-4540-7679-a16e-870c9ec09ee5 --absent',
        'sessiongraph operations settle signup-1337 --found vs_1a2b3c',
      ),
    )
    .action((id: string, options: { found?: string; absent?: boolean }, self: Command) => {
      if (!options.found && !options.absent) self.error('error: expected --found <providerId> or --absent')
      return withTenant(cli, async (house, call) => {
        const operation = await find(cli, house, call, id)
        const { settleFound, settleAbsent } = house.services.operations
        await writeDown(house, call, options.found ? 'operation.settle.found' : 'operation.settle.absent', operation.id)
        const settled = await (options.found
          ? settleFound(call, operation.id, options.found)
          : settleAbsent(call, operation.id))
        cli.show([toRow(settled)])
      })
    })
}

const ID = 'the id of the create, or its idempotency key'

async function find(cli: CliContext, { services }: House, call: TenantCall, id: string): Promise<CreateOperation> {
  const [byId] = await services.operations.findMany(call, [id])
  const all = typed(cli, `operations list --state ${CREATE_STATES.join(' ')}`)
  return byId ?? orAdvise(services.operations.get(call, { idempotencyKey: id }), `${all} shows those there are.`)
}

/** What an operator needs to see. What the client sent stays sealed. */
function toRow(operation: CreateOperation) {
  return {
    id: operation.id,
    idempotencyKey: operation.idempotencyKey,
    kind: operation.kind,
    provider: operation.provider,
    state: operation.state,
    reference: operation.reference,
    sentAt: operation.sentAt?.toISOString() ?? null,
    tries: operation.attemptsMade,
    nextCheckAt: operation.nextCheckAt?.toISOString() ?? null,
    recordId: operation.recordId,
    recovered: operation.recovered,
    error: operation.lastError && `${operation.lastError.code}: ${operation.lastError.message}`,
  }
}
