import { constants, PerformanceObserver } from 'node:perf_hooks'
import { getHeapStatistics } from 'node:v8'

/** Whether the JavaScript heap is nearly full. V8 ends the process at its limit (--max-old-space-size, or a share of the memory). */
export interface HeapWatch {
  /** True while the server sheds load: it starts no request and no row of a large operation. */
  isShort(): boolean
  /** True if the heap may be short soon: what is in use may be garbage. */
  isTight(): boolean
  /** The number of full garbage collections that left the heap short. */
  readonly shortages: number
  close(): void
}

/** The share of the limit that may be in use after a full garbage collection. The rest is for what has started. */
const MAX_SHARE = 0.85
/** From this share on, with the garbage. */
const TIGHT_SHARE = 0.65
/** Without a collection for so long, requests are let in again: what they allocate leads to the next one. */
const VALID_MS = 1_000
/** V8 counts three semi-spaces for new objects into its limit. */
const YOUNG_BYTES = 3 * 16 * 1024 * 1024

/**
 * Only what is in use after a full collection counts: before it, garbage may fill any heap. `report` is called when that
 * changes.
 */
export function watchHeap(report: (isShort: boolean) => void): HeapWatch {
  const size = getHeapStatistics().heap_size_limit - YOUNG_BYTES
  const limit = size * MAX_SHARE
  let shortUntil = 0
  let shortages = 0
  let measureAt = 0
  let wasTight = false
  const observer = new PerformanceObserver(list => {
    if (!list.getEntries().some(isFullCollection)) return
    const isShort = getHeapStatistics().used_heap_size > limit
    if (isShort !== shortUntil > 0) report(isShort)
    if (isShort) shortages++
    shortUntil = isShort ? performance.now() + VALID_MS : 0
  })
  observer.observe({ entryTypes: ['gc'] })

  /** Called for each row, so the heap is measured once in a millisecond. */
  function isTight(): boolean {
    const now = performance.now()
    if (now >= measureAt) {
      measureAt = now + 1
      wasTight = getHeapStatistics().used_heap_size > size * TIGHT_SHARE
    }
    return wasTight
  }

  return {
    isShort: () => performance.now() < shortUntil && getHeapStatistics().used_heap_size > limit,
    isTight,
    get shortages() {
      return shortages
    },
    close: () => observer.disconnect(),
  }
}

/** Node's types lack the detail of an entry. */
function isFullCollection(entry: object): boolean {
  const { detail } = entry as { readonly detail?: { readonly kind?: number } }
  return detail?.kind === constants.NODE_PERFORMANCE_GC_MAJOR
}
