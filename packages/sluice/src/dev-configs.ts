// What makes one broker on one machine pleasant, for `sluice dev` and for Sluice.start(). Any of it can be
// overridden.

export const devConfigs: Readonly<Record<string, string>> = {
  // Nobody else is about to join.
  'group.initial.rebalance.delay.ms': '0',
  // One broker can hold one replica; one partition holds the offsets of all the groups there will be.
  'offsets.topic.replication.factor': '1',
  'offsets.topic.num.partitions': '1',
  'transaction.state.log.replication.factor': '1',
  'transaction.state.log.min.isr': '1',
}
