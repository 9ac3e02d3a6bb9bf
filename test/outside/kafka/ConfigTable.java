// Prints the configs of a broker, of topics and of groups as Apache Kafka defines them, a JSON object a line.
//
//   java -cp 'lib/*' ConfigTable.java

import java.util.Map;
import java.util.TreeMap;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.coordinator.group.GroupConfig;
import org.apache.kafka.storage.internals.log.LogConfig;

public class ConfigTable {
  public static void main(String[] args) {
    print("broker", kafka.server.KafkaConfig.configDef());
    print("topic", LogConfig.configDefCopy());
    print("group", GroupConfig.configDef());
  }

  static void print(String of, ConfigDef definitions) {
    for (Map.Entry<String, ConfigDef.ConfigKey> entry : new TreeMap<>(definitions.configKeys()).entrySet()) {
      ConfigDef.ConfigKey key = entry.getValue();
      boolean required = key.defaultValue == ConfigDef.NO_DEFAULT_VALUE;
      String value = required ? null : ConfigDef.convertToString(key.defaultValue, key.type);
      String validator = key.validator == null ? null : key.validator.toString();
      System.out.printf("{\"of\":%s,\"name\":%s,\"type\":%s,\"required\":%b,\"value\":%s,\"legal\":%s}%n",
          text(of), text(key.name), text(key.type.toString().toLowerCase()), required, text(value), text(validator));
    }
  }

  static String text(String value) {
    return value == null ? "null" : '"' + value.replace("\\", "\\\\").replace("\"", "\\\"") + '"';
  }
}
