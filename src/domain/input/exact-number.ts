/**
 * Replaces a number of the caller's JSON that would not survive a round trip. A symbol is no valid value of any GraphQL
 * type except JSON.
 */
export const INEXACT_NUMBER: unique symbol = Symbol('a number that JSON does not carry exactly')

/** The number in a JSON or GraphQL text. */
export function toExactNumber(text: string): number | typeof INEXACT_NUMBER {
  return isExact(text) ? Number(text) : INEXACT_NUMBER
}

/** True if the number keeps its value when serialized: 1.50 and 1e3 do, 9007199254740993, 1e400 and -0 do not. */
export function isExact(text: string): boolean {
  const value = Number(text)
  return Number.isFinite(value) && !Object.is(value, -0) && toDecimal(text) === toDecimal(String(value))
}

/** A canonical text for each value: its digits without leading and trailing zeros, and the exponent. */
function toDecimal(text: string): string {
  const [, sign = '', integer = '', fraction = '', exponent = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]?\d+))?$/i.exec(text) ?? []
  const digits = `${integer}${fraction}`.replace(/^0+/, '')
  const significant = trimZeros(digits)
  if (significant === '') return '0'
  return `${sign}${significant}e${Number(exponent) - fraction.length + digits.length - significant.length}`
}

function trimZeros(digits: string): string {
  let end = digits.length
  while (digits[end - 1] === '0') end--
  return digits.slice(0, end)
}
