import { h } from './elements.js'
import UPlot from './uplot.js'

/** A chart over time, with a summary and a table of its numbers for screen readers. */

/**
 * @typedef {object} Line
 * @property {string} label
 * @property {string} color a custom property of the stylesheet
 * @property {(number | null)[]} values
 * @property {boolean} [filled]
 * @property {boolean} [bars] drawn as bars; later lines in front of earlier ones
 */

/**
 * @typedef {object} ChartOptions
 * @property {string} title
 * @property {string} summary
 * @property {number[]} at epoch milliseconds
 * @property {Line[]} lines
 * @property {(value: number) => string} format
 * @property {number} [top] minimum of the upper end of the scale
 * @property {string} [unitOfTime] `day` formats times without hours
 */

const HEIGHT = 150
export const AXIS_WIDTH = 58
export const RIGHT_EDGE = 12
const WHEN = new Intl.DateTimeFormat(undefined, { dateStyle: 'short', timeStyle: 'short' })
const DAY = new Intl.DateTimeFormat(undefined, { dateStyle: 'short', timeZone: 'UTC' })

/** @param {ChartOptions} options */
export function chart({ title, summary, at, lines, format, top = 1, unitOfTime }) {
  const plot = h('div', { class: 'plot', 'aria-hidden': 'true' })
  const name = (/** @type {number} */ ms) => (unitOfTime === 'day' ? DAY : WHEN).format(ms)
  const legend = h('p', { class: 'legend', 'aria-hidden': 'true' }, ...lines.map(toKey))
  const reading = h('p', { class: 'reading', 'aria-hidden': 'true' })
  const rows = at
    .map((ms, index) => ({ ms, index }))
    .filter(({ index }) => lines.some(line => line.values[index] != null))
  const numbers = h('details', {}, h('summary', {}, 'Numbers'))
  // Create the table of hundreds of rows only when it is opened.
  numbers.addEventListener(
    'toggle',
    () => numbers.append(numbersOf({ title, rows: rows.toReversed(), lines, format, name })),
    { once: true },
  )
  new ResizeObserver((_, observer) => {
    if (plot.clientWidth === 0) return
    observer.disconnect()
    const options = toOptions({ plot, lines, at, format, top, name, reading })
    const data = /** @type {any} */ ([at.map(ms => ms / 1_000), ...lines.map(line => line.values)])
    const drawn = new UPlot(options, data, plot)
    new ResizeObserver(() => drawn.setSize({ width: plot.clientWidth, height: HEIGHT })).observe(plot)
  }).observe(plot)
  return h(
    'figure',
    { class: 'chart' },
    h('figcaption', {}, h('h3', {}, title), h('p', {}, summary)),
    legend,
    plot,
    h('div', { class: 'below' }, numbers, reading),
  )
}

/** @param {Line} line */
function toKey({ label, color }) {
  const mark = h('i', {})
  mark.style.background = `var(${color})`
  return h('span', {}, mark, label)
}

/** @param {{ title: string, rows: { ms: number, index: number }[], lines: Line[], format: (value: number) => string, name: (ms: number) => string }} options */
function numbersOf({ title, rows, lines, format, name }) {
  /** @param {number | null | undefined} value */
  const cell = value => (value == null ? '–' : format(value))
  return h(
    'div',
    { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': `${title}, numbers` },
    h(
      'table',
      { class: 'dense' },
      h(
        'thead',
        {},
        h('tr', {}, h('th', { scope: 'col' }, 'When'), ...lines.map(({ label }) => h('th', { scope: 'col' }, label))),
      ),
      h(
        'tbody',
        {},
        ...rows.map(({ ms, index }) =>
          h(
            'tr',
            {},
            h('th', { scope: 'row' }, name(ms)),
            ...lines.map(({ values }) => h('td', {}, cell(values[index]))),
          ),
        ),
      ),
    ),
  )
}

const toBars = UPlot.paths.bars?.({ size: [0.8, 24], align: 1 })

/** A line needs two neighbours: a value between gaps is drawn as a point. @param {(number | null)[]} values */
const isolatedPoints =
  values =>
  /** @returns {number[]} */
  () =>
    values.flatMap((value, index) =>
      value !== null && values[index - 1] == null && values[index + 1] == null ? [index] : [],
    )

/**
 * @param {{ plot: HTMLElement, lines: Line[], at: number[], format: (value: number) => string, top: number, name: (ms: number) => string, reading: HTMLElement }} options
 * @returns {import('uplot').Options}
 */
function toOptions({ plot, lines, at, format, top, name, reading }) {
  const style = getComputedStyle(plot)
  const color = (/** @type {string} */ property) => style.getPropertyValue(property).trim()
  const axis = {
    stroke: color('--quiet'),
    grid: { stroke: color('--line'), width: 1 },
    ticks: { show: false },
    font: '12px system-ui, sans-serif',
  }
  return {
    width: plot.clientWidth,
    height: HEIGHT,
    padding: [8, RIGHT_EDGE, 0, 0],
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 7 } },
    scales: { y: { range: (_plot, _low, high) => [0, Math.max(top, (high ?? 0) * 1.1)] } },
    axes: [
      { ...axis, space: 70, size: 38 },
      { ...axis, size: AXIS_WIDTH, space: 32, values: (_plot, splits) => splits.map(format) },
    ],
    series: [
      {},
      ...lines.map(line => ({
        label: line.label,
        stroke: color(line.color),
        width: line.bars ? 0 : 2,
        ...(line.bars
          ? { paths: toBars, fill: color(line.color), points: { show: false } }
          : { points: { size: 5, fill: color(line.color), filter: isolatedPoints(line.values) } }),
        ...(line.filled && { fill: `color-mix(in srgb, ${color(line.color)} 18%, transparent)` }),
      })),
    ],
    hooks: {
      setCursor: [
        drawn => {
          const index = drawn.cursor.idx
          const shown =
            index == null
              ? []
              : lines.flatMap(({ label, values }) =>
                  values[index] == null ? [] : [`${label} ${format(/** @type {number} */ (values[index]))}`],
                )
          reading.textContent =
            index == null || shown.length === 0 ? '' : `${name(at[index] ?? 0)}: ${shown.join(', ')}`
        },
      ],
    },
  }
}
