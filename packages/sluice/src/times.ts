// Times as they are typed: what Kafka's tools take, too.

const instantForm =
  /^(\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?)?)(Z|[+-]\d{2}(?::?\d{2})?)?$/

/** Milliseconds since 1970 of an ISO 8601 time, UTC where it says no zone; undefined for another form. */
export function instant(text: string): number | undefined {
  const match = instantForm.exec(text)
  if (match === null) return undefined
  const [, time, zone = 'Z'] = match
  const ms = Date.parse(`${time.includes('T') ? time : `${time}T00:00`}${offset(zone)}`)
  return Number.isNaN(ms) ? undefined : ms
}

/** As Date.parse has it: +01:00. */
function offset(zone: string): string {
  if (zone === 'Z') return zone
  const digits = zone.slice(1).replace(':', '').padEnd(4, '0')
  return `${zone[0]}${digits.slice(0, 2)}:${digits.slice(2)}`
}

const durationForm = /^P(?=.)(?:(\d+)D)?(?:T(?=.)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$/i

/** Milliseconds of an ISO 8601 duration such as P7DT3H5M; undefined for another form. */
export function isoDurationMs(text: string): number | undefined {
  const match = durationForm.exec(text)
  if (match === null) return undefined
  const [days, hours, minutes, seconds] = match.slice(1).map((part) => Number(part ?? 0))
  return ((days * 24 + hours) * 60 + minutes) * 60_000 + seconds * 1000
}
