import type { Source } from './imports.ts'

/** The import cycles among these files: each as `a.ts > b.ts > a.ts`. */
export function findCycles(sources: readonly Source[]): string[] {
  const importsOf = new Map(sources.map(({ file, imports }) => [file, imports.map(({ to }) => to)]))
  const finished = new Set<string>()
  const cycles: string[] = []

  function visit(file: string, path: readonly string[]): void {
    const start = path.indexOf(file)
    if (start >= 0) return void cycles.push([...path.slice(start), file].join(' > '))
    if (finished.has(file)) return
    for (const next of importsOf.get(file) ?? []) visit(next, [...path, file])
    finished.add(file)
  }

  for (const { file } of sources) visit(file, [])
  return cycles
}
