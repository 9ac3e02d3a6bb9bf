// The guard in front of every route. No web page may use a developer's broker behind his back:
//
//   Origin   a request that another page sent carries that page's origin; only our own is let in, and
//            those that were configured (cors.ts)
//   Host     a page whose name was re-bound to this address still sends its own name (DNS rebinding)
//
// Loopback names are always known, others are those that the server was told (`*`: any).

import type { Problem } from './problem.ts'

const loopback = /^(localhost|.+\.localhost|127(\.\d{1,3}){3}|\[::1\])$/

export interface Guard {
  /** The reason to refuse the request, or undefined. */
  check(host: string | null | undefined, origin: string | null | undefined): Problem | undefined
}

/** `allowedHosts`: host names without port, in any case. */
export function createGuard(
  allowedHosts: readonly string[],
  allowsOrigin: (origin: string) => boolean = () => false,
): Guard {
  const allowed = new Set(allowedHosts.map((host) => hostName(host)))
  const any = allowed.has('*')
  // A browser or a client repeats the same few Host headers: each is judged once.
  const judged = new Map<string, boolean>()
  const judgedMax = 1000

  function isKnown(host: string): boolean {
    const before = judged.get(host)
    if (before !== undefined) return before
    const name = hostName(host)
    const known = any || allowed.has(name) || loopback.test(name)
    if (judged.size < judgedMax) judged.set(host, known)
    return known
  }

  return {
    check(host, origin) {
      if (!host || !isKnown(host)) {
        return {
          code: 'unknown_host',
          detail: `this server is not known as ${host || '(no host)'}`,
        }
      }
      if (origin && !isSameOrigin(origin, host) && !allowsOrigin(origin)) {
        return { code: 'foreign_origin', detail: `a page of ${origin} may not use this server` }
      }
      return undefined
    },
  }
}

/** Scheme aside (a proxy may end TLS), the origin must be the host that the request was sent to. */
function isSameOrigin(origin: string, host: string): boolean {
  const separator = origin.indexOf('://')
  return separator > 0 && origin.slice(separator + 3).toLowerCase() === host.toLowerCase()
}

/** Without the port: `[::1]:9092` and `::1` both name `[::1]`. */
function hostName(host: string): string {
  const lower = host.toLowerCase()
  if (lower.startsWith('[')) return lower.slice(0, lower.indexOf(']') + 1)
  const colon = lower.indexOf(':')
  if (colon < 0) return lower.replace(/\.$/, '')
  if (lower.indexOf(':', colon + 1) > 0) return `[${lower}]`
  return lower.slice(0, colon).replace(/\.$/, '')
}
