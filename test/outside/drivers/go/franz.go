package main

import (
	"context"
	"errors"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

type franz struct{}

var franzCodecs = map[string]kgo.CompressionCodec{
	"none":   kgo.NoCompression(),
	"gzip":   kgo.GzipCompression(),
	"snappy": kgo.SnappyCompression(),
	"lz4":    kgo.Lz4Compression(),
	"zstd":   kgo.ZstdCompression(),
}

var franzBalancers = map[string]kgo.GroupBalancer{
	"range":              kgo.RangeBalancer(),
	"roundrobin":         kgo.RoundRobinBalancer(),
	"sticky":             kgo.StickyBalancer(),
	"cooperative-sticky": kgo.CooperativeStickyBalancer(),
}

func (franz) client(more ...kgo.Opt) (*kgo.Client, error) {
	common := []kgo.Opt{kgo.SeedBrokers(options["bootstrap"]), kgo.ClientID("franz-go")}
	return kgo.NewClient(append(common, more...)...)
}

func (it franz) produce(ctx context.Context, records []Record) error {
	more := []kgo.Opt{
		kgo.ProducerBatchCompression(franzCodecs[option("codec", "none")]),
		kgo.ProducerLinger(5 * time.Millisecond),
		kgo.AllowAutoTopicCreation(),
	}
	if len(records) > 0 && records[0].Partition != nil {
		more = append(more, kgo.RecordPartitioner(kgo.ManualPartitioner()))
	}
	if option("idempotent", "true") != "true" {
		more = append(more, kgo.DisableIdempotentWrite())
	}
	client, err := it.client(more...)
	if err != nil {
		return err
	}
	defer client.Close()
	sent := make([]*kgo.Record, len(records))
	for i, record := range records {
		sent[i] = &kgo.Record{Topic: options["topic"], Key: data(record.Key), Value: data(record.Value)}
		if record.Partition != nil {
			sent[i].Partition = *record.Partition
		}
		if record.Timestamp != nil {
			sent[i].Timestamp = time.UnixMilli(*record.Timestamp)
		}
		for _, header := range record.Headers {
			sent[i].Headers = append(sent[i].Headers, kgo.RecordHeader{Key: *header[0], Value: data(header[1])})
		}
	}
	return client.ProduceSync(ctx, sent...).FirstErr()
}

func (it franz) consume(ctx context.Context, seen func(Record) bool) error {
	more := []kgo.Opt{
		kgo.ConsumeTopics(topics()...),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
	}
	if option("isolation", "") == "read_committed" {
		more = append(more, kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	}
	group := options["group"]
	if group != "" {
		more = append(more, kgo.ConsumerGroup(group), kgo.AutoCommitInterval(200*time.Millisecond))
		if options["assignor"] != "" {
			more = append(more, kgo.Balancers(franzBalancers[options["assignor"]]))
		}
		if options["instance"] != "" {
			more = append(more, kgo.InstanceID(options["instance"]))
		}
	}
	client, err := it.client(more...)
	if err != nil {
		return err
	}
	defer client.Close()
	for more := true; more && ctx.Err() == nil; {
		fetches := client.PollFetches(ctx)
		for _, failed := range fetches.Errors() {
			if !errors.Is(failed.Err, context.Canceled) && !errors.Is(failed.Err, context.DeadlineExceeded) {
				return failed.Err
			}
		}
		fetches.EachRecord(func(r *kgo.Record) {
			at := r.Timestamp.UnixMilli()
			record := Record{
				Topic: r.Topic, Partition: &r.Partition, Offset: r.Offset, Timestamp: &at,
				Key: text(r.Key), Value: text(r.Value), Headers: [][2]*string{},
			}
			for _, header := range r.Headers {
				record.Headers = append(record.Headers, [2]*string{&header.Key, text(header.Value)})
			}
			more = seen(record) && more
		})
	}
	if group == "" {
		return nil
	}
	return client.CommitUncommittedOffsets(context.Background())
}

func (it franz) admin(ctx context.Context) error {
	client, err := it.client()
	if err != nil {
		return err
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	topic, retention := options["topic"], "3600000"
	steps := []func() error{
		func() error {
			_, err := admin.CreateTopic(ctx, 1, -1, map[string]*string{"retention.ms": &retention}, topic)
			return err
		},
		func() error {
			made, err := admin.CreatePartitions(ctx, 1, topic)
			return errors.Join(err, made.Error())
		},
		func() error {
			longer := kadm.AlterConfig{Op: kadm.SetConfig, Name: "retention.ms", Value: &retention}
			_, err := admin.AlterTopicConfigs(ctx, []kadm.AlterConfig{longer}, topic)
			return err
		},
		func() error {
			configs, err := admin.DescribeTopicConfigs(ctx, topic)
			if err != nil {
				return err
			}
			_, err = configs.On(topic, nil)
			return err
		},
		func() error {
			_, err := admin.ListEndOffsets(ctx, topic)
			return err
		},
		func() error {
			lags, err := admin.Lag(ctx, options["group"])
			return errors.Join(err, lags.Error())
		},
		func() error {
			_, err := admin.ListGroups(ctx)
			return err
		},
		func() error {
			_, err := admin.DescribeAllLogDirs(ctx, nil)
			return err
		},
		func() error {
			deleted, err := admin.DeleteGroups(ctx, options["group"])
			return errors.Join(err, deleted.Error())
		},
		func() error {
			deleted, err := admin.DeleteTopics(ctx, topic)
			return errors.Join(err, deleted.Error())
		},
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}
