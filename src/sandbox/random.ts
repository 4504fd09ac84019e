import { randomInt, randomUUID } from 'node:crypto'

const LOWER = 'abcdefghijklmnopqrstuvwxyz0123456789'
const MIXED = `${LOWER}ABCDEFGHIJKLMNOPQRSTUVWXYZ`

/** Characters for ids and tokens. */
export const random = {
  lower: (length: number) => pick(LOWER, length),
  mixed: (length: number) => pick(MIXED, length),
  digits: (length: number) => pick('0123456789', length),
  uuid: () => randomUUID(),
}

function pick(alphabet: string, length: number): string {
  return Array.from({ length }, () => alphabet[randomInt(alphabet.length)]).join('')
}
