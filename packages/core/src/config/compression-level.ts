// compressionLevel: the level that configs have for a codec, of a topic or of a producer.

import type { Codec } from '@sluice/protocol/records/batch'

export interface CompressionLevels {
  readonly 'compression.gzip.level': number
  readonly 'compression.lz4.level': number
  readonly 'compression.zstd.level': number
}

/** Undefined for a codec that has none. */
export function compressionLevel(codec: Codec, config: CompressionLevels): number | undefined {
  switch (codec) {
    case 'gzip':
      return config['compression.gzip.level']
    case 'lz4':
      return config['compression.lz4.level']
    case 'zstd':
      return config['compression.zstd.level']
    default:
      return undefined
  }
}
