// Random numbers of the operating system.

import { randomBytes, randomInt } from 'node:crypto'
import { assert } from '../../lib/assert.ts'
import { uuidFrom } from '../../lib/uuid.ts'
import type { Random } from '../random.ts'

export class NodeRandom implements Random {
  number(): number {
    return Math.random()
  }

  integer(limit: number): number {
    assert(Number.isInteger(limit), 'limit is a whole number')
    assert(limit >= 1 && limit <= 2 ** 32, 'limit is in 1..2^32')
    return randomInt(limit)
  }

  bytes(length: number): Buffer {
    return randomBytes(length)
  }

  uuid(): string {
    return uuidFrom(randomBytes)
  }
}
