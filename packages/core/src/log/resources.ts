// What all logs of one process share, each of it bounded in bytes.

import { IndexPages } from './index-pages.ts'
import { ReadBuffers } from './read-buffers.ts'
import { Residency } from './residency.ts'

export interface LogResources {
  readonly buffers: ReadBuffers
  readonly pages: IndexPages
  readonly residency: Residency
}

export function newLogResources(): LogResources {
  return { buffers: new ReadBuffers(), pages: new IndexPages(), residency: new Residency() }
}
