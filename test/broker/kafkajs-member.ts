// A member of a group, to be killed: joins, says so on its standard output, reads until its end.
//
//   node kafkajs-member.ts BROKER GROUP TOPIC

import { Kafka, logLevel } from 'kafkajs'

const [broker, groupId, topic] = process.argv.slice(2)
const kafka = new Kafka({ clientId: 'victim', brokers: [broker], logLevel: logLevel.NOTHING })
const consumer = kafka.consumer({
  groupId,
  sessionTimeout: 1000,
  heartbeatInterval: 200,
  maxWaitTimeInMs: 100,
})
consumer.on(consumer.events.GROUP_JOIN, () => void process.stdout.write('joined\n'))
await consumer.connect()
await consumer.subscribe({ topic })
await consumer.run({ eachMessage: async () => {} })
