import { murmur2 } from '@sluice/core/kafka-client/murmur2'
import { expect, test } from 'vitest'

// From Java's own test (UtilsTest.testMurmur2), and one of each length of the rest.
test.each([
  ['', 275646681],
  ['21', -973932308],
  ['foobar', -790332482],
  ['a-little-bit-long-string', -985981536],
  ['a-little-bit-longer-string', -1486304829],
  ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
  ['abc', 479470107],
  ['1:42', -1141388408],
  ['hello', 2132663229],
])('murmur2(%j) as in Java', (key, hash) => {
  expect(murmur2(Buffer.from(key))).toBe(hash)
})
