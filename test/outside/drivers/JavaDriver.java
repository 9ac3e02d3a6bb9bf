// The Java client behind the drivers' common command line (see drivers.ts): records as JSON lines in and out.

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.Future;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.ElectionType;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.quota.ClientQuotaFilter;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

public class JavaDriver {
  static final ObjectMapper json = new ObjectMapper();
  static volatile boolean stopped = false;

  public static void main(String[] args) throws Exception {
    Map<String, String> options = new HashMap<>();
    for (int i = 1; i + 1 < args.length; i += 2) options.put(args[i].substring(2), args[i + 1]);
    if (args[0].equals("produce")) produce(options);
    else if (args[0].equals("transact")) transact(options);
    else if (args[0].equals("admin")) admin(options);
    else consume(options);
  }

  static byte[] bytes(JsonNode node) {
    return node == null || node.isNull() ? null : Base64.getDecoder().decode(node.asText());
  }

  static void produce(Map<String, String> options) throws Exception {
    Properties config = new Properties();
    config.put("bootstrap.servers", options.get("bootstrap"));
    config.put("client.id", "java");
    config.put("compression.type", options.getOrDefault("codec", "none"));
    config.put("enable.idempotence", options.getOrDefault("idempotent", "true"));
    config.put("acks", options.getOrDefault("acks", "all"));
    config.put("linger.ms", "5");
    List<Future<RecordMetadata>> sent = new ArrayList<>();
    try (var producer = new KafkaProducer<>(config, new ByteArraySerializer(), new ByteArraySerializer())) {
      BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
      for (String line = in.readLine(); line != null; line = in.readLine()) {
        JsonNode r = json.readTree(line);
        List<Header> headers = new ArrayList<>();
        for (JsonNode h : r.path("headers")) headers.add(new RecordHeader(h.get(0).asText(), bytes(h.get(1))));
        Integer partition = r.hasNonNull("partition") ? r.get("partition").asInt() : null;
        Long timestamp = r.hasNonNull("timestamp") ? r.get("timestamp").asLong() : null;
        sent.add(producer.send(new ProducerRecord<>(
            options.get("topic"), partition, timestamp, bytes(r.get("key")), bytes(r.get("value")), headers)));
      }
      producer.flush();
      for (Future<RecordMetadata> one : sent) one.get();
    }
    System.out.println("{\"sent\":" + sent.size() + "}");
  }

  /** One of each thing that its admin client can do. */
  static void admin(Map<String, String> options) throws Exception {
    String topic = options.get("topic"), group = options.get("group");
    TopicPartition first = new TopicPartition(topic, 0);
    ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
    AlterConfigOp longer = new AlterConfigOp(new ConfigEntry("retention.ms", "3600000"), AlterConfigOp.OpType.SET);
    Properties config = new Properties();
    config.put("bootstrap.servers", options.get("bootstrap"));
    config.put("client.id", "java");
    try (Admin it = Admin.create(config)) {
      it.createTopics(List.of(new NewTopic(topic, 1, (short) 1))).all().get();
      it.createPartitions(Map.of(topic, NewPartitions.increaseTo(2))).all().get();
      it.describeConfigs(List.of(resource)).all().get();
      it.incrementalAlterConfigs(Map.of(resource, List.of(longer))).all().get();
      it.listOffsets(Map.of(first, OffsetSpec.latest())).all().get();
      it.describeTopics(List.of(topic)).allTopicNames().get();
      it.listTopics().names().get();
      it.describeCluster().nodes().get();
      it.listGroups().all().get();
      it.describeClassicGroups(List.of(group)).all().get();
      it.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get();
      it.describeLogDirs(List.of(1)).allDescriptions().get();
      it.describeProducers(List.of(first)).all().get();
      it.describeFeatures().featureMetadata().get();
      it.describeMetadataQuorum().quorumInfo().get();
      it.describeClientQuotas(ClientQuotaFilter.all()).entities().get();
      it.listPartitionReassignments().reassignments().get();
      it.electLeaders(ElectionType.PREFERRED, Set.of(first)).partitions().get();
      it.deleteRecords(Map.of(first, RecordsToDelete.beforeOffset(0))).all().get();
      it.deleteConsumerGroups(List.of(group)).all().get();
      it.deleteTopics(List.of(topic)).all().get();
    }
  }

  /** Begins a transaction, which a broker without transactions must refuse at once. */
  static void transact(Map<String, String> options) {
    Properties config = new Properties();
    config.put("bootstrap.servers", options.get("bootstrap"));
    config.put("transactional.id", "t1");
    try (var producer = new KafkaProducer<>(config, new ByteArraySerializer(), new ByteArraySerializer())) {
      producer.initTransactions();
      System.out.println("begun");
    } catch (RuntimeException e) {
      System.out.println("refused: " + e);
    }
    System.exit(0);
  }

  static void consume(Map<String, String> options) throws Exception {
    long max = Long.parseLong(options.get("max"));
    Properties config = new Properties();
    config.put("bootstrap.servers", options.get("bootstrap"));
    config.put("client.id", "java");
    config.put("auto.offset.reset", "earliest");
    config.put("enable.auto.commit", "true");
    config.put("auto.commit.interval.ms", "200");
    config.put("isolation.level", options.getOrDefault("isolation", "read_uncommitted"));
    if (options.containsKey("assignor")) config.put("partition.assignment.strategy", assignor(options.get("assignor")));
    if (options.containsKey("instance")) config.put("group.instance.id", options.get("instance"));
    if (options.containsKey("group")) config.put("group.id", options.get("group"));
    else config.put("enable.auto.commit", "false");
    List<String> topics = Arrays.asList(options.get("topics").split(","));
    PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
    // SIGTERM: leave the group as a well-behaved member does.
    Thread main = Thread.currentThread();
    Runtime.getRuntime().addShutdownHook(new Thread(() -> {
      stopped = true;
      try {
        main.join(10_000);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }));
    // Each topic has one partition: reading ends when this offset of all was seen.
    long through = Long.parseLong(options.getOrDefault("through", String.valueOf(Long.MAX_VALUE)));
    Set<String> finished = new HashSet<>();
    try (var consumer = new KafkaConsumer<>(config, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
      if (options.containsKey("group")) consumer.subscribe(topics);
      else {
        List<TopicPartition> all = new ArrayList<>();
        for (String topic : topics)
          consumer.partitionsFor(topic).forEach(p -> all.add(new TopicPartition(topic, p.partition())));
        consumer.assign(all);
        consumer.seekToBeginning(all);
      }
      // A virtual machine that starts on a busy machine may take ten seconds to have a consumer.
      long deadline = System.nanoTime() + Long.parseLong(options.getOrDefault("timeout", "30000")) * 1_000_000L;
      for (long seen = 0; !stopped && seen < max && finished.size() < topics.size() && System.nanoTime() < deadline; ) {
        for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(200))) {
          print(out, record);
          if (record.offset() >= through) finished.add(record.topic());
          seen++;
        }
        out.flush();
      }
      if (options.containsKey("group")) consumer.commitSync();
    }
    out.flush();
  }

  static String assignor(String name) {
    return "org.apache.kafka.clients.consumer." + switch (name) {
      case "range" -> "RangeAssignor";
      case "roundrobin" -> "RoundRobinAssignor";
      case "sticky" -> "StickyAssignor";
      default -> "CooperativeStickyAssignor";
    };
  }

  static void print(PrintStream out, ConsumerRecord<byte[], byte[]> record) throws Exception {
    ObjectNode node = json.createObjectNode();
    node.put("topic", record.topic()).put("partition", record.partition()).put("offset", record.offset());
    node.put("timestamp", record.timestamp());
    node.put("key", record.key() == null ? null : Base64.getEncoder().encodeToString(record.key()));
    node.put("value", record.value() == null ? null : Base64.getEncoder().encodeToString(record.value()));
    ArrayNode headers = node.putArray("headers");
    for (Header h : record.headers()) {
      ArrayNode pair = headers.addArray().add(h.key());
      if (h.value() == null) pair.addNull();
      else pair.add(Base64.getEncoder().encodeToString(h.value()));
    }
    out.println(json.writeValueAsString(node));
  }
}
