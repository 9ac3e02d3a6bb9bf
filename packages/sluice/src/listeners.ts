// Listeners: works out of listeners, advertised.listeners and listener.security.protocol.map where to
// bind and what to tell clients, and refuses what would not work or would not be safe:
//
//   host         advertised   --insecure   ->
//   loopback     any          any              bound as it is
//   (none)       any          no               bound to loopback, and a notice says so
//   wildcard     none         any              refused: clients would not know where to come back to
//   not loopback given        no               refused: anyone could read and write
//   not loopback given        yes              bound as it is

import type { BrokerConfig } from '@sluice/core/config/broker-config'
import type { Address } from '@sluice/core/host/network'

export interface PlannedListener {
  readonly name: string
  readonly bind: Address
  /** Port 0 stands for the port that was bound. */
  readonly advertised: Address | 'bound'
}

export type ListenerPlan =
  | { ok: true; listeners: PlannedListener[]; notices: string[] }
  | { ok: false; message: string; hint?: string }

interface Endpoint {
  readonly name: string
  readonly host: string
  readonly port: number
  readonly text: string
}

type Refusal = { ok: false; message: string; hint?: string }

const endpointForm = /^([A-Za-z][A-Za-z0-9_-]*):\/\/(\[[0-9A-Fa-f:.]+\]|[^\s:/[\]]*):(\d{1,5})$/
const portMax = 65_535

export function planListeners(config: BrokerConfig, options: { insecure: boolean }): ListenerPlan {
  const bound = parseEndpoints('listeners', config.listeners)
  if (!bound.ok) return bound
  const advertised = parseEndpoints('advertised.listeners', config['advertised.listeners'] ?? [])
  if (!advertised.ok) return advertised
  const protocols = parseProtocols(config['listener.security.protocol.map'])
  if (!protocols.ok) return protocols

  const controllers = new Set(config['controller.listener.names'].map((name) => name.toUpperCase()))
  const open = bound.endpoints.filter(({ name }) => !controllers.has(name))
  const notices = bound.endpoints
    .filter(({ name }) => controllers.has(name))
    .map(({ text }) => `${text} is not opened: there is no KRaft quorum, so no controller listener`)
  const unmatched = advertised.endpoints.find(
    ({ name }) => !bound.endpoints.some((endpoint) => endpoint.name === name),
  )
  if (unmatched) return refused(`advertised.listeners names ${unmatched.name}, listeners does not`)
  if (open.length === 0) return refused('listeners names no listener for clients')

  const listeners: PlannedListener[] = []
  for (const endpoint of open) {
    const protocol = checkProtocol(endpoint, protocols.map)
    if (protocol) return protocol
    const shown = advertised.endpoints.find(({ name }) => name === endpoint.name)
    const planned = planOne(endpoint, shown, options.insecure, notices)
    if ('ok' in planned) return planned
    listeners.push(planned)
  }
  return { ok: true, listeners, notices }
}

function planOne(
  endpoint: Endpoint,
  advertised: Endpoint | undefined,
  insecure: boolean,
  notices: string[],
): PlannedListener | Refusal {
  const { name, host, port, text } = endpoint
  if (advertised && isWildcard(advertised.host)) {
    return refused(
      `${advertised.text} cannot be advertised: it names no host that clients could connect to`,
      'name one in advertised.listeners',
    )
  }
  if (host === '' && !insecure) {
    notices.push(`${text} names no host: listening on 127.0.0.1 only`)
    return { name, bind: { host: '127.0.0.1', port }, advertised: advertised ?? 'bound' }
  }
  if (isWildcard(host) && !advertised) {
    return refused(
      `${text} listens on all interfaces, and clients need one address to come back to`,
      `say which: --advertise HOST, or advertised.listeners=${name}://HOST:${port}`,
    )
  }
  if (!isLoopback(host) && !insecure) {
    return refused(
      `${text} can be reached from other machines, and has neither TLS nor authentication`,
      'add --insecure if that is meant, or listen on 127.0.0.1',
    )
  }
  return {
    name,
    bind: { host: host === '' ? '0.0.0.0' : host, port },
    advertised: advertised ?? 'bound',
  }
}

type Endpoints = { ok: true; endpoints: Endpoint[] } | Refusal

function parseEndpoints(config: string, texts: readonly string[]): Endpoints {
  const endpoints: Endpoint[] = []
  for (const text of texts) {
    const match = endpointForm.exec(text)
    const port = Number(match?.[3])
    if (!match || port > portMax) {
      return refused(`${config}: '${text}' is not of the form NAME://host:port`)
    }
    const name = match[1].toUpperCase()
    const host = match[2].replace(/^\[|\]$/g, '')
    const same = endpoints.find((other) => other.name === name)
    if (same) return refused(`${config}: the name ${name} stands for ${same.text} and for ${text}`)
    const twice = endpoints.find(
      (other) => port !== 0 && other.port === port && other.host === host,
    )
    if (twice && config === 'listeners') {
      return refused(`${config}: ${twice.text} and ${text} take the same port`)
    }
    endpoints.push({ name, host, port, text })
  }
  return { ok: true, endpoints }
}

type Protocols = { ok: true; map: Map<string, string> } | Refusal

function parseProtocols(text: string): Protocols {
  const map = new Map<string, string>()
  for (const entry of text.split(',').map((part) => part.trim())) {
    if (entry === '') continue
    const [name, protocol, ...rest] = entry.split(':')
    if (!name || !protocol || rest.length > 0) {
      return refused(`listener.security.protocol.map: '${entry}' is not of the form NAME:PROTOCOL`)
    }
    map.set(name.trim().toUpperCase(), protocol.trim().toUpperCase())
  }
  return { ok: true, map }
}

function checkProtocol({ name, text }: Endpoint, map: Map<string, string>): Refusal | undefined {
  const protocol = map.get(name)
  if (protocol === undefined) {
    return refused(
      `no security protocol is defined for the listener ${name}`,
      `add ${name}:PLAINTEXT to listener.security.protocol.map`,
    )
  }
  if (protocol === 'PLAINTEXT') return undefined
  return refused(
    `${text} asks for ${protocol}: TLS and SASL are not there yet`,
    'PLAINTEXT is the one protocol so far',
  )
}

function refused(message: string, hint?: string): Refusal {
  return { ok: false, message, hint }
}

function isWildcard(host: string): boolean {
  return host === '' || host === '0.0.0.0' || /^[0:]+$/.test(host)
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)
}
