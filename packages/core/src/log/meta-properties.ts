// meta.properties: whose data folder this is, as KRaft writes it (version 1). A folder of another node or
// another cluster is refused: two owners of one log would ruin it.
//
//   #
//   #<date>
//   cluster.id=<22 characters>
//   directory.id=<22 characters>
//   node.id=1
//   version=1

import { dirname, join } from 'node:path/posix'
import { parseProperties } from '../config/properties.ts'
import type { Clock } from '../host/clock.ts'
import { type Disk, DiskError } from '../host/disk.ts'
import type { Random } from '../host/random.ts'

export const metaPropertiesFileName = 'meta.properties'
const currentVersion = '1'

export interface MetaProperties {
  readonly clusterId: string
  readonly nodeId: number
  /** Of this folder, for as long as it lives. */
  readonly directoryId: string
}

/** The data folder cannot be used by this broker; the message says what to do. */
export class DataFolderError extends Error {
  override readonly name = 'DataFolderError'
}

export interface MetaPropertiesOptions {
  readonly disk: Disk
  readonly clock: Clock
  readonly random: Random
  readonly dataFolder: string
  readonly nodeId: number
}

/** Reads the file, or makes it with new ids where there is none. Throws DataFolderError. */
export async function claimDataFolder(options: MetaPropertiesOptions): Promise<MetaProperties> {
  const { disk, dataFolder, nodeId, random } = options
  const path = join(dataFolder, metaPropertiesFileName)
  let found: Buffer
  try {
    found = await disk.readFile(path)
  } catch (error) {
    if (!(error instanceof DiskError) || error.kind !== 'not-found') throw error
    const made = { clusterId: random.uuid(), nodeId, directoryId: random.uuid() }
    await disk.replaceFile(path, encode(made, options.clock.now()))
    // The folder is new, too: without its own entry a power loss takes it with all that is in it.
    await disk.flushFolder(dirname(dataFolder))
    return made
  }
  const meta = parse(found.toString('utf8'), path)
  if (meta.nodeId === nodeId) return meta
  throw new DataFolderError(
    `${dataFolder} belongs to node ${meta.nodeId}, not to node ${nodeId}: ` +
      'start this broker with that node.id or with another data folder',
  )
}

function parse(text: string, path: string): MetaProperties {
  const parsed = parseProperties(text, path)
  const values = new Map(parsed.ok ? parsed.entries.map(({ name, value }) => [name, value]) : [])
  const version = values.get('version')
  if (version !== currentVersion) {
    throw new DataFolderError(`${path} has version ${version}; this broker knows ${currentVersion}`)
  }
  const clusterId = values.get('cluster.id')
  const directoryId = values.get('directory.id')
  const nodeId = Number(values.get('node.id'))
  if (!clusterId || !directoryId || !Number.isInteger(nodeId)) {
    throw new DataFolderError(`${path} lacks cluster.id, directory.id or node.id`)
  }
  return { clusterId, directoryId, nodeId }
}

function encode({ clusterId, directoryId, nodeId }: MetaProperties, nowMs: number): Buffer {
  const lines = [
    '#',
    `#${new Date(nowMs).toUTCString()}`,
    `cluster.id=${clusterId}`,
    `directory.id=${directoryId}`,
    `node.id=${nodeId}`,
    `version=${currentVersion}`,
  ]
  return Buffer.from(`${lines.join('\n')}\n`)
}
