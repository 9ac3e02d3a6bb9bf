import { SeededRandom } from '@sluice/core/host/memory/random'
import { NodeRandom } from '@sluice/core/host/node/random'
import { randomContract } from './random.ts'

randomContract('node', () => new NodeRandom())
randomContract('seeded', () => new SeededRandom(1))
