// Cluster: the metadata as this broker follows it. Changes are applied one transaction after the other;
// whoever must be ready before clients hear of a change (a log for a new partition) prepares first.

import type { BrokerConfig } from '../config/broker-config.ts'
import type { Host } from '../host/host.ts'
import { readAll, takeOver } from './boot.ts'
import { Controller, type FollowedMetadata } from './controller.ts'
import { type Change, MetadataImage } from './image.ts'
import { MetadataWriter } from './metadata-writer.ts'

export interface ClusterListener {
  /** Before the changes are in the image. */
  prepare?(changes: readonly Change[]): Promise<void>
  /** The changes are in the image. */
  applied?(changes: readonly Change[]): void
}

export interface ClusterOptions {
  readonly host: Host
  readonly config: () => BrokerConfig
  readonly nodeId: number
  /** What the log directory says, if it says anything; a founded cluster takes it over. */
  readonly clusterId?: string
}

export class Cluster implements FollowedMetadata {
  readonly image: MetadataImage
  readonly controller: Controller
  /** Counts the controllers that there have been. */
  readonly controllerEpoch: number
  /** There was no cluster in the table: this broker founded it. */
  readonly founded: boolean
  readonly #listeners: ClusterListener[] = []

  private constructor(
    image: MetadataImage,
    options: { controllerEpoch: number; founded: boolean },
    controller: (cluster: Cluster) => Controller,
  ) {
    this.image = image
    this.controllerEpoch = options.controllerEpoch
    this.founded = options.founded
    this.controller = controller(this)
  }

  /** Reads the table and becomes its controller. */
  static async open(options: ClusterOptions): Promise<Cluster> {
    const { host, config, nodeId } = options
    const { table, clock, random, logger } = host
    const { version, controllerEpoch, clusterId, founded } = await takeOver(table, random, options)
    const boot = await readAll(table)
    const image = new MetadataImage(clusterId)
    image.apply(version, boot.changes)
    image.controllerId = nodeId
    const writer = new MetadataWriter({ table, clock, random, logger, version, controllerEpoch })
    const cluster = new Cluster(
      image,
      { controllerEpoch, founded },
      (self) => new Controller({ cluster: self, writer, table, random, config }),
    )
    await cluster.controller.removeRemains(boot.remains)
    return cluster
  }

  listen(listener: ClusterListener): void {
    this.#listeners.push(listener)
  }

  /** What a transaction changed. Called in the order of versions, one at a time. */
  async apply(version: number, changes: readonly Change[]): Promise<void> {
    for (const listener of this.#listeners) await listener.prepare?.(changes)
    this.image.apply(version, changes)
    for (const listener of this.#listeners) listener.applied?.(changes)
  }
}
