// Quantities for people: bytes, rates and times with as many digits as say something.

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']
const step = 1024

/** 1.5 MiB */
export function bytesText(bytes: number): string {
  let value = bytes
  let unit = 0
  while (value >= step && unit < units.length - 1) {
    value /= step
    unit += 1
  }
  return `${unit === 0 ? value : digits(value)} ${units[unit]}`
}

/** Three digits that count: 1.23, 12.3, 123, 1234. */
export function digits(value: number): string {
  if (value === 0) return '0'
  if (value >= 100) return String(Math.round(value))
  return value >= 10 ? value.toFixed(1) : value.toFixed(2)
}

/** 1,234,567 */
export function grouped(value: number): string {
  return Math.round(value).toLocaleString('en-US')
}
