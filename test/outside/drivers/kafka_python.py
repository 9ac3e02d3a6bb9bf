"""kafka-python behind the drivers' common command line (see drivers.ts)."""
import base64, json, signal, sys, time
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition

from kafka.admin import ConfigResource, ConfigResourceType, NewPartitions, NewTopic
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor
from kafka.coordinator.assignors.range import RangePartitionAssignor
from kafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from kafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor

assignors = {
    'range': RangePartitionAssignor,
    'roundrobin': RoundRobinPartitionAssignor,
    'sticky': StickyPartitionAssignor,
    'cooperative-sticky': CooperativeStickyAssignor,
}
options = {sys.argv[i][2:]: sys.argv[i + 1] for i in range(2, len(sys.argv) - 1, 2)}
stopped = False


def stop(*_):
    global stopped
    stopped = True


signal.signal(signal.SIGTERM, stop)


def data(text):
    return None if text is None else base64.b64decode(text)


def text(value):
    return None if value is None else base64.b64encode(value).decode()


def produce():
    codec = options.get('codec', 'none')
    idempotent = options.get('idempotent', 'true') == 'true'
    producer = KafkaProducer(
        client_id='kafka-python',
        bootstrap_servers=options['bootstrap'], acks='all', enable_idempotence=idempotent,
        compression_type=None if codec == 'none' else codec, linger_ms=5)
    futures = []
    for line in sys.stdin:
        record = json.loads(line)
        futures.append(producer.send(
            options['topic'], value=data(record['value']), key=data(record['key']),
            headers=[(k, data(v)) for k, v in record['headers']],
            partition=record.get('partition'), timestamp_ms=record.get('timestamp')))
    producer.flush(30)
    for future in futures:
        future.get(30)
    producer.close()
    print(json.dumps({'sent': len(futures)}))


def consume():
    group = options.get('group')
    extra = {}
    if 'assignor' in options:
        extra['partition_assignment_strategy'] = [assignors[options['assignor']]]
    if 'instance' in options:
        extra['group_instance_id'] = options['instance']
    consumer = KafkaConsumer(
        **extra,
        client_id='kafka-python',
        bootstrap_servers=options['bootstrap'], group_id=group, enable_auto_commit=group is not None,
        auto_commit_interval_ms=200, auto_offset_reset='earliest', check_crcs=True,
        isolation_level=options.get('isolation', 'read_uncommitted'))
    topics = options['topics'].split(',')
    if group:
        consumer.subscribe(topics)
        # Its first join must know the partitions. Otherwise it is given none, learns of them and joins again; and
        # where poll() times out during that second join, what it was given is lost and it reads nothing ever
        # (3.0.12, coordinator/base.py, join_group_async: need_rejoin() is false before the task was awaited).
        for topic in topics:
            consumer.partitions_for_topic(topic)
    else:
        partitions = [TopicPartition(t, p) for t in topics for p in consumer.partitions_for_topic(t)]
        consumer.assign(partitions)
        consumer.seek_to_beginning(*partitions)
    seen, most = 0, int(options['max'])
    deadline = time.monotonic() + int(options.get('timeout', '30000')) / 1000
    while seen < most and time.monotonic() < deadline and not stopped:
        for records in consumer.poll(timeout_ms=200).values():
            for record in records:
                seen += 1
                print(json.dumps({
                    'topic': record.topic, 'partition': record.partition, 'offset': record.offset,
                    'timestamp': record.timestamp, 'key': text(record.key), 'value': text(record.value),
                    'headers': [[k, text(v)] for k, v in record.headers or []],
                }))
        sys.stdout.flush()
    consumer.close()


def admin():
    """One of each thing that its admin client can do."""
    it = KafkaAdminClient(bootstrap_servers=options['bootstrap'], client_id='kafka-python')
    topic, group = options['topic'], options['group']
    it.create_topics([NewTopic(topic, 1, 1)])
    it.create_partitions({topic: NewPartitions(2)})
    it.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
    it.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, {'retention.ms': '3600000'})])
    it.describe_topics([topic])
    it.list_topics()
    it.describe_cluster()
    it.list_groups()
    it.describe_groups([group])
    it.list_group_offsets(group)
    it.describe_log_dirs()
    it.delete_records({TopicPartition(topic, 0): 0})
    it.delete_groups([group])
    it.delete_topics([topic])
    it.close()


{'produce': produce, 'consume': consume, 'admin': admin}[sys.argv[1]]()
