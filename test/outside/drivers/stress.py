"""Two librdkafka producers, one idempotent and one not, that write numbers until SIGTERM and print what was
acknowledged, a line each: `idempotent|plain partition offset number`."""
import signal, sys, time
from confluent_kafka import Producer

bootstrap, topic, per_second = sys.argv[1], sys.argv[2], int(sys.argv[3])
stopped = False


def stop(*_):
    global stopped
    stopped = True


signal.signal(signal.SIGTERM, stop)
failed = []


def reporter(kind):
    def delivered(error, message):
        if error is not None:
            failed.append(f'{kind}: {error}')
        else:
            number = message.value().decode().split(' ')[1]
            sys.stdout.write(f'{kind} {message.partition()} {message.offset()} {number}\n')
    return delivered


def make(kind):
    return Producer({
        'bootstrap.servers': bootstrap,
        'enable.idempotence': kind == 'idempotent',
        'acks': 'all',
        'linger.ms': 2,
        'message.timeout.ms': 120000,
        'retry.backoff.ms': 50,
        'reconnect.backoff.ms': 20,
        'reconnect.backoff.max.ms': 100,
        'statistics.interval.ms': 0,
    })


producers = {kind: (make(kind), reporter(kind)) for kind in ('idempotent', 'plain')}
number = 0
begin = time.monotonic()
while not stopped:
    due = int((time.monotonic() - begin) * per_second)
    while number < due:
        for kind, (producer, delivered) in producers.items():
            try:
                producer.produce(topic, f'{kind} {number} {"x" * (number % 500)}', partition=number % 3,
                                 on_delivery=delivered)
            except BufferError:
                producer.poll(0.05)
        number += 1
    for producer, _ in producers.values():
        producer.poll(0)
    sys.stdout.flush()
    time.sleep(0.005)
left = sum(producer.flush(60) for producer, _ in producers.values())
if failed or left:
    sys.exit(f'{len(failed)} failed: {failed[:3]}, {left} left')
