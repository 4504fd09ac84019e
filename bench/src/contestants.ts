import { join } from 'node:path'
import type { NodeRuntime, Server } from './processes.ts'
import { startServer } from './processes.ts'

/** The contestants by their names in the report. */
export const CONTESTANTS = {
  ours: 'dist/src/main.js',
  limit: 'bench/src/contestants/limit.ts',
  mercurius: 'bench/src/contestants/mercurius.ts',
  yoga: 'bench/src/contestants/yoga.ts',
  apollo: 'bench/src/contestants/apollo.ts',
  hive: 'bench/src/contestants/hive.ts',
} as const
export type ContestantName = keyof typeof CONTESTANTS

export interface Contestant extends Server {
  readonly name: ContestantName
}

export const API_KEY = 'sg_the_key_of_the_benchmark'

/** The settings of our server: the defaults, except limits that would refuse this load from one client. */
export function settings(origins: { kayle: string; rapidly: string; yorlet: string }): NodeJS.ProcessEnv {
  return {
    PATH: process.env.PATH,
    DEV_API_KEY: API_KEY,
    ENCRYPTION_KEY: '5b'.repeat(32),
    HOST: '127.0.0.1',
    PORT: '0',
    SANDBOX: 'off',
    COST_PER_MINUTE: '1000000000',
    // A list of 100 exceeds the default cost limit.
    MAX_COST: '50000',
    // No record becomes stale during a measurement, so `stored` reads the store.
    MAX_AGE_SECONDS: '86400',
    KAYLE_BASE_URL: origins.kayle,
    KAYLE_API_KEY: 'kayle',
    RAPIDLY_BASE_URL: origins.rapidly,
    RAPIDLY_API_KEY: 'rapidly',
    YORLET_BASE_URL: origins.yorlet,
    YORLET_API_KEY: 'yorlet',
  }
}

/** Starts one on this database. Its log is in `directory`. */
export async function startContestant(
  name: ContestantName,
  databaseUrl: string,
  runtime: NodeRuntime,
  env: NodeJS.ProcessEnv,
  directory: string,
): Promise<Contestant> {
  // Our build is compiled for production.
  const mode = name === 'ours' ? {} : { NODE_ENV: 'production' }
  const server = { ...env, ...mode, DATABASE_URL: databaseUrl }
  return { ...(await startServer(runtime, CONTESTANTS[name], server, join(directory, `${name}.log`))), name }
}
