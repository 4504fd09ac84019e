/** Counts the turns of the event loop until it is stopped. */
export function countTurns() {
  const count = { turn: 0, isDone: false }
  const next = () => {
    count.turn++
    if (!count.isDone) setImmediate(next)
  }
  next()
  return count
}

/** Takes longer than a slice of a turn. */
export function takeLong(): void {
  for (const until = performance.now() + 6; performance.now() < until; );
}
