import type { ContestantName } from './contestants.ts'
import type { MeasuredCell } from './measure-cells.ts'
import { ratio } from './rounds.ts'

const COLOURS: Readonly<Record<ContestantName, string>> = {
  ours: '#2f6feb',
  limit: '#8b949e',
  mercurius: '#d4a72c',
  yoga: '#bf4b8a',
  apollo: '#3fb950',
  hive: '#8957e5',
}
const BAR = 14
const GAP = 22
const LEFT = 90
const WIDTH = 560

/** A bar for each contestant in each cell, as long as its share of the limit, and a line at the target. */
export function drawChart(cells: readonly MeasuredCell[], targets: Readonly<Record<string, number>>): string {
  const names = [...(cells[0]?.measured.keys() ?? [])].filter(name => name !== 'limit')
  const groupHeight = names.length * BAR + GAP
  const height = cells.length * groupHeight + 50
  const groups = cells.map((cell, index) => drawGroup(cell, names, 40 + index * groupHeight, targets[cell.cell.name]))
  const legend = names.map(
    (name, index) =>
      `<rect x="${LEFT + index * 110}" y="10" width="12" height="12" fill="${COLOURS[name]}"/>` +
      `<text x="${LEFT + index * 110 + 18}" y="20">${name}</text>`,
  )
  const style = 'font-family="system-ui, sans-serif" font-size="12" fill="#57606a"'
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${LEFT + WIDTH + 70}" height="${height}" ${style} role="img" aria-label="Answers per second as a share of the limit">
<title>Answers per second, as a share of the limit</title>
<rect width="100%" height="100%" fill="#ffffff"/>
${[...legend, ...groups].join('\n')}
</svg>
`
}

function drawGroup(
  { cell, measured }: MeasuredCell,
  names: readonly ContestantName[],
  top: number,
  target: number | undefined,
): string {
  const bars = names.map((name, index) => {
    const share = measured.has('limit') ? ratio(measured, name, 'limit') : 0
    const y = top + index * BAR
    return (
      `<rect x="${LEFT}" y="${y}" width="${toX(share)}" height="${BAR - 3}" fill="${COLOURS[name]}"/>` +
      `<text x="${LEFT + toX(share) + 5}" y="${y + 10}">${share.toFixed(2)}</text>`
    )
  })
  const end = top + names.length * BAR
  const stroke = (at: number, colour: string) =>
    `<line x1="${LEFT + toX(at)}" x2="${LEFT + toX(at)}" y1="${top - 3}" y2="${end}" stroke="${colour}" stroke-dasharray="3 2"/>`
  const lines = [stroke(1, '#8b949e'), ...(target === undefined ? [] : [stroke(target, '#cf222e')])]
  return [`<text x="${LEFT - 8}" y="${top + 11}" text-anchor="end">${cell.name}</text>`, ...bars, ...lines].join('')
}

/** Shares of 2 and more are cut off at the edge. */
function toX(share: number): number {
  return Math.round((Math.min(share, 1.5) / 1.5) * WIDTH)
}
