package main

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/IBM/sarama"
)

type saramaClient struct{ config *sarama.Config }

var saramaCodecs = map[string]sarama.CompressionCodec{
	"none":   sarama.CompressionNone,
	"gzip":   sarama.CompressionGZIP,
	"snappy": sarama.CompressionSnappy,
	"lz4":    sarama.CompressionLZ4,
	"zstd":   sarama.CompressionZSTD,
}

func topics() []string { return strings.Split(options["topics"], ",") }

func newSarama() saramaClient {
	config := sarama.NewConfig()
	config.ClientID = "sarama"
	config.Version = sarama.MaxVersion
	config.Producer.RequiredAcks = sarama.WaitForAll
	config.Producer.Return.Successes = true
	config.Producer.Compression = saramaCodecs[option("codec", "none")]
	if option("idempotent", "true") == "true" {
		config.Producer.Idempotent = true
		config.Net.MaxOpenRequests = 1
	}
	config.Consumer.Offsets.Initial = sarama.OffsetOldest
	config.Consumer.Offsets.AutoCommit.Interval = 200 * time.Millisecond
	config.Consumer.MaxWaitTime = 200 * time.Millisecond
	if option("isolation", "") == "read_committed" {
		config.Consumer.IsolationLevel = sarama.ReadCommitted
	}
	strategies := map[string]sarama.BalanceStrategy{
		"range":      sarama.NewBalanceStrategyRange(),
		"roundrobin": sarama.NewBalanceStrategyRoundRobin(),
		"sticky":     sarama.NewBalanceStrategySticky(),
	}
	strategy := strategies[option("assignor", "range")]
	config.Consumer.Group.Rebalance.GroupStrategies = []sarama.BalanceStrategy{strategy}
	config.Consumer.Group.InstanceId = options["instance"]
	return saramaClient{config}
}

func (it saramaClient) brokers() []string { return []string{options["bootstrap"]} }

// encoder keeps what is null apart from what is empty.
func encoder(encoded *string) sarama.Encoder {
	if encoded == nil {
		return nil
	}
	return sarama.ByteEncoder(data(encoded))
}

func (it saramaClient) produce(_ context.Context, records []Record) error {
	if len(records) > 0 && records[0].Partition != nil {
		it.config.Producer.Partitioner = sarama.NewManualPartitioner
	}
	producer, err := sarama.NewSyncProducer(it.brokers(), it.config)
	if err != nil {
		return err
	}
	messages := make([]*sarama.ProducerMessage, len(records))
	for i, record := range records {
		message := &sarama.ProducerMessage{Topic: options["topic"], Key: encoder(record.Key), Value: encoder(record.Value)}
		if record.Partition != nil {
			message.Partition = *record.Partition
		}
		if record.Timestamp != nil {
			message.Timestamp = time.UnixMilli(*record.Timestamp)
		}
		for _, header := range record.Headers {
			message.Headers = append(message.Headers, sarama.RecordHeader{Key: []byte(*header[0]), Value: data(header[1])})
		}
		messages[i] = message
	}
	return errors.Join(producer.SendMessages(messages), producer.Close())
}

func asRecord(m *sarama.ConsumerMessage) Record {
	at := m.Timestamp.UnixMilli()
	record := Record{
		Topic: m.Topic, Partition: &m.Partition, Offset: m.Offset, Timestamp: &at,
		Key: text(m.Key), Value: text(m.Value), Headers: [][2]*string{},
	}
	for _, header := range m.Headers {
		name := string(header.Key)
		record.Headers = append(record.Headers, [2]*string{&name, text(header.Value)})
	}
	return record
}

func (it saramaClient) consume(ctx context.Context, seen func(Record) bool) error {
	if options["group"] != "" {
		return it.consumeAsMember(ctx, seen)
	}
	consumer, err := sarama.NewConsumer(it.brokers(), it.config)
	if err != nil {
		return err
	}
	defer consumer.Close()
	messages := make(chan *sarama.ConsumerMessage)
	for _, topic := range topics() {
		partitions, err := consumer.Partitions(topic)
		if err != nil {
			return err
		}
		for _, partition := range partitions {
			reader, err := consumer.ConsumePartition(topic, partition, sarama.OffsetOldest)
			if err != nil {
				return err
			}
			go func() {
				for message := range reader.Messages() {
					messages <- message
				}
			}()
		}
	}
	for {
		select {
		case message := <-messages:
			if !seen(asRecord(message)) {
				return nil
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// member reads what it is assigned, of all partitions one record at a time.
type member struct {
	seen func(Record) bool
	stop context.CancelFunc
	turn sync.Mutex
}

func (*member) Setup(sarama.ConsumerGroupSession) error   { return nil }
func (*member) Cleanup(sarama.ConsumerGroupSession) error { return nil }

func (it *member) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for {
		select {
		case message, ok := <-claim.Messages():
			if !ok {
				return nil
			}
			it.turn.Lock()
			more := it.seen(asRecord(message))
			it.turn.Unlock()
			session.MarkMessage(message, "")
			if !more {
				it.stop()
			}
		case <-session.Context().Done():
			return nil
		}
	}
}

func (it saramaClient) consumeAsMember(ctx context.Context, seen func(Record) bool) error {
	group, err := sarama.NewConsumerGroup(it.brokers(), options["group"], it.config)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	for ctx.Err() == nil {
		if err := group.Consume(ctx, topics(), &member{seen: seen, stop: stop}); err != nil && ctx.Err() == nil {
			return err
		}
	}
	return group.Close()
}

func (it saramaClient) admin(context.Context) error {
	admin, err := sarama.NewClusterAdmin(it.brokers(), it.config)
	if err != nil {
		return err
	}
	defer admin.Close()
	topic, retention := options["topic"], "3600000"
	steps := []func() error{
		func() error {
			detail := &sarama.TopicDetail{
				NumPartitions: 1, ReplicationFactor: 1,
				ConfigEntries: map[string]*string{"retention.ms": &retention},
			}
			return admin.CreateTopic(topic, detail, false)
		},
		func() error { return admin.CreatePartitions(topic, 2, nil, false) },
		func() error {
			longer := map[string]sarama.IncrementalAlterConfigsEntry{
				"retention.ms": {Operation: sarama.IncrementalAlterConfigsOperationSet, Value: &retention},
			}
			return admin.IncrementalAlterConfig(sarama.TopicResource, topic, longer, false)
		},
		func() error {
			_, err := admin.DescribeConfig(sarama.ConfigResource{Type: sarama.TopicResource, Name: topic})
			return err
		},
		func() error {
			_, err := admin.ListTopics()
			return err
		},
		func() error {
			_, err := admin.ListConsumerGroups()
			return err
		},
		func() error {
			_, err := admin.DescribeConsumerGroups([]string{options["group"]})
			return err
		},
		func() error {
			_, err := admin.ListConsumerGroupOffsets(options["group"], nil)
			return err
		},
		func() error {
			_, err := admin.DescribeLogDirs([]int32{1})
			return err
		},
		func() error { return admin.DeleteRecords(topic, map[int32]int64{0: 0}) },
		func() error { return admin.DeleteConsumerGroup(options["group"]) },
		func() error { return admin.DeleteTopic(topic) },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}
