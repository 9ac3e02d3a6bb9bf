// `sluice cluster describe`: the brokers with what each has in its log directories.

import { Admin } from '@sluice/core/kafka-client/admin'
import type { LogDir } from '@sluice/core/kafka-client/log-dirs'
import type { BrokerMetadata } from '@sluice/core/kafka-client/metadata-cache'
import { withCluster } from './client.ts'
import type { ClusterOptions } from './commands/cluster.ts'
import { print, printJson } from './output.ts'
import { bytesText } from './quantities.ts'
import { type Cell, table } from './table.ts'

export async function describeCluster({ bootstrap, json }: ClusterOptions): Promise<void> {
  await withCluster(bootstrap, async (client) => {
    const admin = new Admin(client)
    const { clusterId, controllerId, brokers } = await admin.describeCluster()
    const dirs = await Promise.all(brokers.map(({ nodeId }) => admin.describeLogDirs(nodeId)))
    const described = brokers.map((broker, index) => ({ broker, dirs: dirs[index] }))
    if (json) {
      printJson({
        clusterId,
        controllerId,
        brokers: described.map(({ broker, dirs: of }) => ({ ...broker, logDirs: of.map(toJson) })),
      })
      return
    }
    const rows = described.flatMap(({ broker, dirs: of }) => of.map((dir) => row(broker, dir)))
    const [id, address, rack, dir] = ['BROKER', 'ADDRESS', 'RACK', 'LOG DIRECTORY']
    const numbers = ['PARTITIONS', 'SIZE', 'FREE'].map((title) => ({ title, right: true }))
    const columns = [
      { title: id, right: true },
      { title: address },
      { title: rack },
      { title: dir },
    ]
    print(`cluster ${clusterId ?? '-'}, controller ${controllerId < 0 ? '-' : controllerId}`)
    print(table([...columns, ...numbers], rows))
  })
}

function row({ nodeId, host, port, rack }: BrokerMetadata, dir: LogDir): Cell[] {
  const free = dir.usableBytes === null ? null : bytesText(dir.usableBytes)
  const path = dir.error === 0 ? dir.path : `${dir.path} (failed)`
  return [nodeId, `${host}:${port}`, rack, path, dir.replicas.length, bytesText(sizeOf(dir)), free]
}

function toJson(dir: LogDir) {
  const { path, error, replicas, totalBytes, usableBytes } = dir
  const failed = error !== 0
  return { path, failed, replicas: replicas.length, bytes: sizeOf(dir), totalBytes, usableBytes }
}

function sizeOf({ replicas }: LogDir): number {
  return replicas.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
}
