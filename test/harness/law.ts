/** The import law as data: where things live, and who may know whom. `*` is a name, `**` any path. */

export interface Room {
  readonly files: readonly string[]
  /** Files of ours and packages. `{own}` is the folder of the provider that the file belongs to. */
  readonly may: readonly string[]
  readonly mayAsTypes?: readonly string[]
  readonly mayLazily?: readonly string[]
  readonly because: string
}

const DOMAIN = 'src/domain/**'
const UPSTREAM = 'src/upstream/**'
const CONTRACT = 'src/providers/contract.ts'
const POTHOS = ['@pothos/*', 'graphql', 'zod']

/** The first that has a file is its room. */
export const ROOMS: readonly Room[] = [
  {
    files: [
      'src/main.ts',
      'src/cli/main.ts',
      'src/boot.ts',
      'src/demo/**',
      'src/house.ts',
      'src/run-sandboxes.ts',
      'src/serve.ts',
      'src/sandboxes.ts',
      'src/watch.ts',
      'src/webhooks.ts',
      'src/examples.ts',
      'src/door.ts',
      'src/origin.ts',
    ],
    may: ['**'],
    because: 'it puts the house together',
  },
  {
    files: ['src/config.ts', 'src/door-settings.ts'],
    may: [DOMAIN, 'src/upstream/limits.ts', 'src/server/limits.ts', 'src/door-settings.ts', 'zod'],
    mayAsTypes: [CONTRACT],
    because: 'it reads the settings only',
  },
  { files: ['src/package.ts'], may: ['node:**'], because: 'it finds the files of the package' },
  {
    files: ['src/context.ts'],
    may: [DOMAIN, 'src/services/**', 'dataloader'],
    because: 'a request carries services and loaders',
  },
  { files: [DOMAIN], may: [DOMAIN], because: 'the domain is words without I/O' },
  {
    files: [UPSTREAM],
    may: [UPSTREAM, DOMAIN, 'cockatiel', 'undici', 'zod', 'node:**'],
    because: 'it is HTTP towards any provider',
  },
  {
    files: [CONTRACT],
    may: [DOMAIN],
    mayAsTypes: [UPSTREAM, 'zod'],
    because: 'the contract is types over domain and upstream',
  },
  {
    files: ['src/providers/registry.ts'],
    may: [CONTRACT, DOMAIN, 'src/providers/*/index.ts'],
    because: 'the registry is one line per provider',
  },
  { files: ['src/providers/*/wire.ts'], may: ['zod'], because: 'wire is the words of a provider and nothing else' },
  { files: ['src/providers/*/input.ts'], may: [DOMAIN, '{own}/wire.ts', 'zod'], because: 'input is rules in zod' },
  {
    files: ['src/providers/*/mapper.ts'],
    may: [DOMAIN, '{own}/wire.ts', '{own}/input.ts', 'zod'],
    because: 'a mapper is pure: own wire to domain',
  },
  {
    files: ['src/providers/*/graphql.ts'],
    may: ['schema/**', DOMAIN, '{own}/mapper.ts', '{own}/wire.ts', '{own}/input.ts'],
    because: 'it is the embassy of the schema in a provider, and no more',
  },
  {
    files: ['src/providers/*/sandbox.ts', 'src/providers/*/sandbox-*.ts', 'src/providers/*/fixtures.ts'],
    may: ['src/sandbox/**', '{own}/wire.ts', '{own}/sandbox-*.ts', 'zod', 'node:**'],
    because: 'a sandbox knows what the provider documents, not how we call it',
  },
  {
    files: ['src/providers/*/index.ts'],
    may: [CONTRACT, '{own}/provider.ts', '{own}/mapper.ts', '{own}/webhook.ts', '{own}/input.ts', 'zod'],
    mayLazily: ['{own}/graphql.ts', '{own}/sandbox.ts'],
    because: 'it shows its own folder; schema and sandbox lazily, so that nobody loads them in vain',
  },
  {
    files: ['src/providers/*/*.ts'],
    may: [
      DOMAIN,
      UPSTREAM,
      CONTRACT,
      '{own}/(wire|mapper|input|login|recovery|token).ts',
      'zod',
      'node:crypto',
      'jose',
    ],
    because: 'a provider is called through upstream with its own words, and knows no other',
  },
  {
    files: ['db/**'],
    may: ['db/**', DOMAIN, 'src/security/**', 'kysely', 'better-sqlite3', 'pg', 'node:**'],
    because: 'the store knows rows and domain',
  },
  {
    files: ['src/services/**'],
    may: [
      'src/services/**',
      DOMAIN,
      'db/**',
      UPSTREAM,
      CONTRACT,
      'src/security/**',
      'src/live/**',
      'src/jobs/lease.ts',
      'node:crypto',
      'node:timers/promises',
      'node:util',
      'node:v8',
      'uuid',
    ],
    because: 'services know the contract and never a named provider, the schema or the server',
  },
  {
    files: ['src/jobs/**'],
    may: ['src/jobs/**', DOMAIN, 'db/**', UPSTREAM, CONTRACT, 'src/security/**', 'src/live/**', 'node:**', 'uuid'],
    because: 'jobs know the contract and never a named provider, the schema or the server',
  },
  {
    files: ['schema/refs.ts'],
    may: ['schema/builder.ts', DOMAIN],
    because: 'the nouns stand before all of their fields',
  },
  {
    files: ['schema/**'],
    may: ['schema/**', DOMAIN, ...POTHOS],
    mayLazily: ['@apollo/subgraph'],
    mayAsTypes: ['src/context.ts', 'src/services/**'],
    because: 'the schema gets context, services and registry as values',
  },
  { files: ['src/live/**'], may: ['src/live/**', DOMAIN, 'db/**', 'node:**'], because: 'live reads the event log' },
  {
    files: ['src/redis/**'],
    may: ['src/redis/**', DOMAIN, 'ioredis', 'rate-limiter-flexible', 'node:**'],
    mayAsTypes: ['src/live/**', UPSTREAM],
    because: 'it carries what instances tell each other, behind interfaces of those who use it',
  },
  { files: ['src/security/**'], may: ['src/security/**', DOMAIN, 'jose', 'node:**'], because: 'security serves all' },
  {
    files: ['src/telemetry/**'],
    may: ['src/telemetry/**', DOMAIN, 'graphql', 'pino', 'prom-client', 'node:**'],
    because: 'telemetry serves all, and puts its spans around resolvers',
  },
  {
    files: ['src/sandbox/**'],
    may: ['src/sandbox/**', DOMAIN, 'zod', 'node:**'],
    because: 'a sandbox stands at the far end of the wire: no upstream, no services',
  },
  {
    files: ['src/cli/**', 'src/console/**'],
    may: [
      'src/package.ts',
      '{room}/**',
      'src/config.ts',
      DOMAIN,
      'src/services/**',
      'src/jobs/**',
      'db/**',
      'commander',
      'graphql',
      'node:**',
    ],
    mayAsTypes: ['src/house.ts'],
    because: 'operators go through services and jobs',
  },
  {
    files: ['src/server/**'],
    may: [
      'src/server/**',
      DOMAIN,
      'src/context.ts',
      'src/services/**',
      'src/live/**',
      'src/security/**',
      'graphql',
      'graphql-jit',
      'graphql-yoga',
      '@graphql-yoga/*',
      'node:**',
    ],
    because: 'the server is HTTP towards clients and knows no provider, schema or row',
  },
]

export interface Ban {
  readonly what: readonly string[]
  readonly butIn: readonly string[]
  readonly because: string
}

const MAINS = ['src/main.ts', 'src/cli/main.ts']
const COMPOSITION = ['src/main.ts', 'src/boot.ts', 'src/serve.ts']

/** What few may import, whatever room they are in. */
export const IMPORT_BANS: readonly Ban[] = [
  { what: MAINS, butIn: [], because: 'main has side effects' },
  {
    what: ['src/house.ts', 'src/sandboxes.ts', 'src/webhooks.ts'],
    butIn: [...COMPOSITION, 'src/sandboxes.ts', 'src/webhooks.ts', 'src/run-sandboxes.ts', 'src/cli/**'],
    because: 'only a main puts the house together',
  },
  {
    what: ['src/boot.ts', 'src/door.ts', 'src/examples.ts', 'src/watch.ts'],
    butIn: [...COMPOSITION, 'src/demo/**', 'src/door.ts', 'src/watch.ts'],
    because: 'only main puts the house together',
  },
  {
    what: ['src/serve.ts', 'src/run-sandboxes.ts', 'src/demo/demo.ts'],
    butIn: MAINS,
    because: 'only a main runs until a signal',
  },
  {
    what: ['schema/index.ts'],
    butIn: [...COMPOSITION, 'src/cli/main.ts'],
    because: 'the schema is built once, with the registry',
  },
  {
    what: ['graphql-jit', 'graphql-yoga', '@graphql-yoga/*'],
    butIn: ['src/server/**', 'src/boot.ts'],
    because: 'yoga is the door',
  },
  { what: ['cockatiel', 'undici'], butIn: [UPSTREAM], because: 'only upstream spells HTTP towards a provider' },
  { what: ['ioredis'], butIn: ['src/redis/**'], because: 'only src/redis speaks to Redis' },
  { what: ['kysely', 'better-sqlite3', 'pg'], butIn: ['db/**'], because: 'only db/ spells SQL' },
  { what: ['node:process', 'process', '<computed>'], butIn: [], because: 'it hides what is used' },
]

/** What few may use. */
export const USE_BANS: readonly Ban[] = [
  {
    what: ['process', 'process.env'],
    butIn: ['src/config.ts', ...MAINS],
    because: 'config reads the environment',
  },
  {
    what: ['*.listen', 'process.(exit|exitCode|abort|kill|on|once|addListener)'],
    butIn: [...COMPOSITION, ...MAINS, 'src/run-sandboxes.ts', 'src/sandbox/server.ts'],
    because: 'side effects live in main',
  },
]
