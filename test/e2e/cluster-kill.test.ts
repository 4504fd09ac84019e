import { describe } from 'vitest'
import { describeKills } from '../harness/app/kill-run.ts'
import { whyNoPostgres } from '../harness/app/postgres.ts'
import { findRedis, NO_REDIS } from '../harness/app/redis.ts'
import { openPostgresStore } from '../harness/app/shared-store.ts'

/** SIGKILL under load with three servers on one PostgreSQL and Redis. `CLUSTER_KILLS` runs longer. */

const KILLS = Number(process.env.CLUSTER_KILLS ?? 9)
const SEED = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))

const redis = await findRedis()
const whyNot = (await whyNoPostgres()) ?? (redis ? undefined : NO_REDIS)

describe.skipIf(whyNot)(`three servers on PostgreSQL and Redis${whyNot ? ` (${whyNot})` : ''}`, () => {
  describeKills({
    kills: KILLS,
    seed: SEED,
    serversAt: () => 3,
    openStore: async () => {
      const store = await openPostgresStore('kill')
      return { ...store, env: { ...store.env, REDIS_URL: redis } }
    },
  })
})
