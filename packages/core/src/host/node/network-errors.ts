// The operating system's errors in the words of network.ts.

import { NetworkError, type NetworkErrorKind } from '../network.ts'

const kinds: Readonly<Record<string, NetworkErrorKind>> = {
  EADDRINUSE: 'address-in-use',
  ENOTFOUND: 'not-found',
  EAI_AGAIN: 'not-found',
  ETIMEDOUT: 'timeout',
  ECONNRESET: 'reset',
  EPIPE: 'reset',
  ECONNABORTED: 'reset',
}

export function networkError(error: NodeJS.ErrnoException, detail: string): NetworkError {
  const kind = kinds[error.code ?? ''] ?? 'refused'
  return new NetworkError(kind, `${detail} ${error.code ?? error.message}`, error)
}
