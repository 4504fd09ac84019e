import type { ProbeName } from './options.ts'
import { probeCold } from './probes/cold.ts'
import { probeDefer } from './probes/defer.ts'
import { probeMemory } from './probes/memory.ts'
import { probeOverload } from './probes/overload.ts'
import { probePostgres } from './probes/postgres.ts'
import type { Probe, Probed } from './probes/probe.ts'
import { probeProcesses } from './probes/processes.ts'
import { probeSizes } from './probes/sizes.ts'
import { probeStores } from './probes/stores.ts'

const PROBES: Readonly<Record<ProbeName, Probe>> = {
  cold: probeCold,
  defer: probeDefer,
  memory: probeMemory,
  overload: probeOverload,
  postgres: probePostgres,
  processes: probeProcesses,
  sizes: probeSizes,
  stores: probeStores,
}

/** Runs the selected probes in sequence. Prints each result. */
export async function runProbes(...[arena, cells, options]: Parameters<Probe>): Promise<Probed[]> {
  const results: Probed[] = []
  for (const name of options.probes) {
    const probed = await PROBES[name](arena, cells, options)
    console.log([probed.title, probed.titles.join('\t'), ...probed.rows.map(row => row.join('\t'))].join('\n'))
    results.push(probed)
  }
  return results
}
