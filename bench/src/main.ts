import { openArena } from './arena.ts'
import { createCells } from './cells.ts'
import { compare } from './compare.ts'
import { measureCells } from './measure-cells.ts'
import { isWhole, readOptions } from './options.ts'
import { comparePostgres } from './probes/postgres.ts'
import { runProbes } from './probes.ts'
import { writeReport } from './report.ts'

/** `npm run bench`: starts everything, compares the responses, measures, and writes bench/results. */

const options = readOptions(process.argv.slice(2))
const arena = await openArena(options)
try {
  const cells = createCells(arena.seeded)
  const contestants = await arena.start(options.contestants)
  try {
    for (const name of options.cells) await compare(cells[name], contestants)
    console.log(`The same answers: ${options.contestants.join(', ')} in ${options.cells.join(', ')}.`)
    if (options.compareOnly) {
      if (options.probes.includes('postgres')) await comparePostgres(arena, options.sessions)
    } else {
      const measured = await measureCells(arena, cells, contestants, options)
      await Promise.all(contestants.map(contestant => contestant.stop()))
      const probed = await runProbes(arena, cells, options)
      if (isWhole(options)) writeReport(measured, probed, options)
    }
  } finally {
    await Promise.all(contestants.map(contestant => contestant.stop()))
  }
} finally {
  await arena.close()
}
