// Arguments: parsers of option values that several commands take. Each throws commander's own error,
// which names the option.

import type { ConfigEntry } from '@sluice/core/config/config-entry'
import { commandConfigs } from '@sluice/core/config/tables/command'
import { variableName } from '@sluice/core/config/variable-name'
import { InvalidArgumentError, Option } from 'commander'

export function wholeNumber(options: { min: number; max?: number }): (text: string) => number {
  const { min, max = Number.MAX_SAFE_INTEGER } = options
  return (text) => {
    const value = Number(text)
    if (!/^\d+$/.test(text) || value < min || value > max) {
      const upper = max === Number.MAX_SAFE_INTEGER ? '' : ` to ${max}`
      throw new InvalidArgumentError(`It must be a whole number from ${min}${upper}.`)
    }
    return value
  }
}

/** An offset of a log. */
export const offsetOption = wholeNumber({ min: 0 })

const unitsMs: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}

/** `500`, `500ms`, `5s`, `2m`: milliseconds. */
export function durationMs(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)?$/.exec(text)
  if (!match) throw new InvalidArgumentError('It must be milliseconds, or a time such as 5s or 2m.')
  return Number(match[1]) * unitsMs[match[2] ?? 'ms']
}

/** `key=value`, any number of times: entries that know which option they came by. */
export function configOption(flag: string): (text: string, before: ConfigEntry[]) => ConfigEntry[] {
  return (text, before) => {
    const at = text.indexOf('=')
    if (at < 1) throw new InvalidArgumentError('It must be of the form name=value.')
    const entry = { name: text.slice(0, at).trim(), value: text.slice(at + 1), origin: flag }
    return [...(before ?? []), entry]
  }
}

/** `host:port`, several by commas. */
export function addresses(text: string): { host: string; port: number }[] {
  return text.split(',').map((part) => {
    const match = /^(\[[0-9a-fA-F:.]+\]|[^:\s]+):(\d{1,5})$/.exec(part.trim())
    const port = Number(match?.[2])
    if (!match || port < 1 || port > 65_535) {
      throw new InvalidArgumentError(`'${part}' is not of the form host:port.`)
    }
    return { host: match[1].replace(/^\[|\]$/g, ''), port }
  })
}

/** --bootstrap, with the SLUICE_BOOTSTRAP variable behind it. */
export function bootstrapOption(): Option {
  const [address] = commandConfigs['sluice.bootstrap'].default
  return new Option('--bootstrap <host:port>', 'where to find a broker; several by commas')
    .env(variableName('sluice.bootstrap'))
    .default(address)
    .argParser((text) => {
      addresses(text)
      return text
    })
}
