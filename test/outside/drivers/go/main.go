// franz-go and sarama behind the drivers' common command line (see drivers.ts):
// the first argument says which of the two it is.
package main

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Record is a line of standard input or output.
type Record struct {
	Topic     string       `json:"topic,omitempty"`
	Partition *int32       `json:"partition,omitempty"`
	Offset    int64        `json:"offset"`
	Timestamp *int64       `json:"timestamp,omitempty"`
	Key       *string      `json:"key"`
	Value     *string      `json:"value"`
	Headers   [][2]*string `json:"headers"`
}

type client interface {
	produce(ctx context.Context, records []Record) error
	// consume calls seen for each record until it returns false, or ctx ends.
	consume(ctx context.Context, seen func(Record) bool) error
	// admin does one of each thing that tools do.
	admin(ctx context.Context) error
}

var options = map[string]string{}

func option(name, otherwise string) string {
	if value, ok := options[name]; ok {
		return value
	}
	return otherwise
}

func main() {
	for i := 3; i+1 < len(os.Args); i += 2 {
		options[strings.TrimPrefix(os.Args[i], "--")] = os.Args[i+1]
	}
	var it client = franz{}
	if os.Args[1] == "sarama" {
		it = newSarama()
	}
	if err := run(it, os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(it client, verb string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	ms, _ := strconv.Atoi(option("timeout", "30000"))
	ctx, cancel := context.WithTimeout(ctx, time.Duration(ms)*time.Millisecond)
	defer cancel()
	switch verb {
	case "produce":
		return produce(ctx, it)
	case "admin":
		return it.admin(ctx)
	}
	most, _ := strconv.Atoi(option("max", "1"))
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	count := 0
	return it.consume(ctx, func(record Record) bool {
		line, _ := json.Marshal(record)
		out.Write(append(line, '\n'))
		out.Flush()
		count++
		return count < most
	})
}

func produce(ctx context.Context, it client) error {
	var records []Record
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(make([]byte, 1<<20), 1<<26)
	for lines.Scan() {
		var record Record
		if err := json.Unmarshal(lines.Bytes(), &record); err != nil {
			return err
		}
		records = append(records, record)
	}
	if err := it.produce(ctx, records); err != nil {
		return err
	}
	fmt.Printf("{\"sent\":%d}\n", len(records))
	return nil
}

func data(text *string) []byte {
	if text == nil {
		return nil
	}
	bytes, _ := base64.StdEncoding.DecodeString(*text)
	return bytes
}

func text(bytes []byte) *string {
	if bytes == nil {
		return nil
	}
	encoded := base64.StdEncoding.EncodeToString(bytes)
	return &encoded
}
