import { DecodeError } from '@sluice/protocol/codec'
import { consumerProtocolSubscription } from '@sluice/protocol/messages/internal/consumer-protocol-subscription'
import { groupMetadataKey } from '@sluice/protocol/messages/internal/group-metadata-key'
import { offsetCommitKey } from '@sluice/protocol/messages/internal/offset-commit-key'
import { offsetCommitValue } from '@sluice/protocol/messages/internal/offset-commit-value'
import { decodeForward, decodeVersioned, encodeVersioned } from '@sluice/protocol/versioned'
import { describe, expect, it } from 'vitest'

describe('messages behind their own version', () => {
  it('are Kafka’s records of __consumer_offsets', () => {
    const key = { group: 'g', topic: 't', partition: 3 }
    const keyBytes = Buffer.from('0001000167000174' + '00000003', 'hex')
    expect(encodeVersioned(offsetCommitKey, 1, key)).toEqual(keyBytes)
    expect(decodeVersioned(offsetCommitKey, keyBytes)).toEqual(key)

    const value = { offset: 5, leaderEpoch: 2, metadata: '', commitTimestamp: 1000 }
    const valueBytes = encodeVersioned(offsetCommitValue, 3, value)
    expect(valueBytes.toString('hex')).toBe(
      '0003' + '0000000000000005' + '00000002' + '0000' + '00000000000003e8',
    )
    expect(decodeVersioned(offsetCommitValue, valueBytes)).toMatchObject(value)
    expect(encodeVersioned(groupMetadataKey, 2, { group: 'g' }).toString('hex')).toBe('0002000167')
  })

  it('are refused in a version we do not know', () => {
    expect(() => decodeVersioned(groupMetadataKey, Buffer.from('0003000167', 'hex'))).toThrow(
      DecodeError,
    )
    expect(() => decodeVersioned(groupMetadataKey, Buffer.alloc(1))).toThrow(DecodeError)
  })

  it('are read as far as known where clients of any age write them', () => {
    const subscription = encodeVersioned(consumerProtocolSubscription, 3, {
      topics: ['a', 'b'],
      rackId: 'r',
    })
    const newer = Buffer.concat([subscription, Buffer.from('something new')])
    newer.writeInt16BE(7)
    expect(decodeForward(consumerProtocolSubscription, newer)).toMatchObject({
      topics: ['a', 'b'],
      rackId: 'r',
    })
  })
})
