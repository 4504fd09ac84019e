import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findRedis } from '../harness/app/redis.ts'
import { type Simulation, startSimulation } from '../harness/app/simulation.ts'

/**
 * Two and three instances whose clocks differ and change, a provider whose responses arrive late and in any order, and
 * a Redis that fails: the last state wins, no stale record is reported as fresh, and no resources are left behind.
 * SIMULATION_SEEDS=1000 runs more scenarios, SIMULATION_FROM sets the first seed.
 */

const SEEDS = Number(process.env.SIMULATION_SEEDS ?? 12)
const FROM = Number(process.env.SIMULATION_FROM ?? 1)

describe.each([2, 3])('%i instances', size => {
  let simulation: Simulation
  beforeAll(async () => {
    simulation = await startSimulation(size, await findRedis())
  }, 60_000)
  afterAll(() => simulation.close())

  test('agree on the last state of the provider, whatever happens in between', {
    timeout: 20_000 * SEEDS,
  }, async () => {
    for (let seed = FROM; seed < FROM + SEEDS; seed++) expect(await simulation.run(seed)).toEqual([])
  })
})
