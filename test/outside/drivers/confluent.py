"""confluent-kafka (librdkafka) behind the drivers' common command line (see drivers.ts)."""
import base64, json, signal, sys, time
from confluent_kafka import (
    Consumer, ConsumerGroupTopicPartitions, KafkaException, OFFSET_BEGINNING, Producer, TopicCollection, TopicPartition)
from confluent_kafka.admin import (
    AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, NewPartitions, NewTopic, OffsetSpec)

options = {sys.argv[i][2:]: sys.argv[i + 1] for i in range(2, len(sys.argv) - 1, 2)}
raw = options.get('raw') == 'true'
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
    producer = Producer({
        'bootstrap.servers': options['bootstrap'],
        'client.id': 'confluent',
        'compression.type': options.get('codec', 'none'),
        'enable.idempotence': options.get('idempotent', 'true') == 'true',
        'acks': options.get('acks', 'all'),
        'linger.ms': 5,
        'message.timeout.ms': 30000,
        'statistics.interval.ms': 0,
    })
    failed = []
    sent = 0

    def delivered(error, _message):
        if error is not None:
            failed.append(str(error))

    for line in sys.stdin:
        record = json.loads(line)
        extra = {}
        if record.get('partition') is not None:
            extra['partition'] = record['partition']
        if record.get('timestamp') is not None:
            extra['timestamp'] = record['timestamp']
        while True:
            try:
                producer.produce(options['topic'], value=data(record['value']), key=data(record['key']),
                                 headers=[(k, data(v)) for k, v in record['headers']],
                                 on_delivery=delivered, **extra)
                break
            except BufferError:
                producer.poll(0.1)
        sent += 1
        producer.poll(0)
    left = producer.flush(30)
    if failed or left:
        sys.exit(f'{len(failed)} failed ({failed[:1]}), {left} left')
    print(json.dumps({'sent': sent}))


def consume():
    group = options.get('group')
    extra = {}
    if 'assignor' in options:
        extra['partition.assignment.strategy'] = options['assignor']
    if 'instance' in options:
        extra['group.instance.id'] = options['instance']
    consumer = Consumer({
        **extra,
        'bootstrap.servers': options['bootstrap'],
        'client.id': 'confluent',
        'group.id': group or 'unused',
        'enable.auto.commit': group is not None,
        'auto.commit.interval.ms': 200,
        'auto.offset.reset': 'earliest',
        'isolation.level': options.get('isolation', 'read_uncommitted'),
        'check.crcs': True,
    })
    topics = options['topics'].split(',')
    if group:
        consumer.subscribe(topics)
    else:
        partitions = []
        for topic in topics:
            found = consumer.list_topics(topic, timeout=10).topics[topic]
            partitions += [TopicPartition(topic, p, OFFSET_BEGINNING) for p in found.partitions]
        consumer.assign(partitions)
    seen, most = 0, int(options['max'])
    deadline = time.monotonic() + int(options.get('timeout', '30000')) / 1000
    while seen < most and time.monotonic() < deadline and not stopped:
        for message in consumer.consume(500, timeout=0.2):
            if message.error():
                raise KafkaException(message.error())
            seen += 1
            if raw:
                sys.stdout.buffer.write(message.value() + b'\n')
                continue
            print(json.dumps({
                'topic': message.topic(), 'partition': message.partition(), 'offset': message.offset(),
                'timestamp': message.timestamp()[1], 'key': text(message.key()), 'value': text(message.value()),
                'headers': [[k, text(v)] for k, v in message.headers() or []],
            }))
        sys.stdout.flush()
    consumer.close()


def transact():
    """Begins a transaction, which a broker without transactions must refuse at once."""
    producer = Producer({'bootstrap.servers': options['bootstrap'], 'transactional.id': 't1'})
    try:
        producer.init_transactions(30)
        print('begun')
    except KafkaException as error:
        print(f'refused: {error}')


def admin():
    """One of each thing that its admin client can do."""
    it = AdminClient({'bootstrap.servers': options['bootstrap'], 'client.id': 'confluent'})
    topic, group = options['topic'], options['group']

    def done(futures):
        for future in futures.values():
            future.result(30)

    done(it.create_topics([NewTopic(topic, 1, 1)]))
    done(it.create_partitions([NewPartitions(topic, 2)]))
    resource = ConfigResource(ConfigResource.Type.TOPIC, topic)
    done(it.describe_configs([resource]))
    done(it.incremental_alter_configs([ConfigResource(
        ConfigResource.Type.TOPIC, topic, incremental_configs=[
            ConfigEntry('retention.ms', '3600000', incremental_operation=AlterConfigOpType.SET)])]))
    done(it.list_offsets({TopicPartition(topic, 0): OffsetSpec.latest()}))
    it.list_topics(timeout=30)
    it.describe_cluster().result(30)
    done(it.describe_topics(TopicCollection([topic])))
    it.list_consumer_groups().result(30)
    done(it.describe_consumer_groups([group]))
    done(it.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)]))
    done(it.delete_records([TopicPartition(topic, 0, 0)]))
    done(it.delete_consumer_groups([group]))
    done(it.delete_topics([topic]))


{'produce': produce, 'consume': consume, 'transact': transact, 'admin': admin}[sys.argv[1]]()
