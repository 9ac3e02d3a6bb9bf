// Runs Apache Kafka's command-line tools one after another in one JVM, each as its script would: a JSON line
// { tool, args, input? } on standard input is its main class, its arguments and its standard input; the answer
// is a JSON line { status, stdout, stderr }. What the tools print is captured, and so is their exit. A tool that
// ends the JVM all the same is answered without a status: it is the status of the process.

import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.reflect.Field;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import org.apache.kafka.common.utils.Exit;

public class ToolServer {
  static final ObjectMapper json = new ObjectMapper();

  /** Stands for the end of the process; tools that catch everything may swallow it. */
  static class Exited extends Error {
    Exited() {
      super("exit", null, false, false);
    }
  }

  /** One run of one tool. */
  static class Run {
    final ByteArrayOutputStream stdout = new ByteArrayOutputStream();
    final ByteArrayOutputStream stderr = new ByteArrayOutputStream();
    final List<Runnable> hooks = new ArrayList<>();
    ObjectNode result;

    /** The first exit counts, with what was printed until then: a process prints nothing more but in its hooks. */
    synchronized void end(int status) {
      if (result != null) return;
      result = json.createObjectNode().put("status", status).put("stdout", "").put("stderr", "");
      takeOutput();
    }

    synchronized void runHooks() {
      stdout.reset();
      stderr.reset();
      for (Runnable hook : hooks) hook.run();
      takeOutput();
    }

    private void takeOutput() {
      System.out.flush();
      System.err.flush();
      result.put("stdout", result.get("stdout").asText() + stdout.toString(StandardCharsets.UTF_8));
      result.put("stderr", result.get("stderr").asText() + stderr.toString(StandardCharsets.UTF_8));
    }
  }

  static volatile Run current;

  public static void main(String[] args) throws Exception {
    PrintStream answers = new PrintStream(System.out, false, StandardCharsets.UTF_8);
    BufferedReader requests = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    Exit.setExitProcedure(ToolServer::exit);
    Exit.setHaltProcedure(ToolServer::exit);
    Exit.setShutdownHookAdder((name, hook) -> current.hooks.add(hook));
    Runtime.getRuntime().addShutdownHook(new Thread(() -> {
      if (current == null || current.result != null) return;
      current.end(-1);
      current.result.remove("status");
      answers.println(current.result);
      answers.flush();
    }));
    for (String line = requests.readLine(); line != null; line = requests.readLine()) {
      answers.println(json.writeValueAsString(run(json.readTree(line))));
      answers.flush();
    }
    System.exit(0);
  }

  static void exit(int status, String message) {
    current.end(status);
    throw new Exited();
  }

  static ObjectNode run(JsonNode request) throws Exception {
    Run run = new Run();
    current = run;
    System.setOut(new PrintStream(run.stdout, true, StandardCharsets.UTF_8));
    System.setErr(new PrintStream(run.stderr, true, StandardCharsets.UTF_8));
    System.setIn(new ByteArrayInputStream(request.path("input").asText("").getBytes(StandardCharsets.UTF_8)));
    List<String> args = new ArrayList<>();
    for (JsonNode arg : request.get("args")) args.add(arg.asText());
    Class<?> tool = Class.forName(request.get("tool").asText());
    forgetCounts(tool);
    Method main = tool.getMethod("main", String[].class);
    try {
      main.invoke(null, (Object) args.toArray(new String[0]));
      run.end(0);
    } catch (InvocationTargetException e) {
      if (run.result == null) {
        System.err.print("Exception in thread \"main\" ");
        e.getCause().printStackTrace(System.err);
        run.end(1);
      }
    }
    run.runHooks();
    return run.result;
  }

  /** The console consumer counts its messages in a static field. */
  static void forgetCounts(Class<?> tool) throws Exception {
    for (Field field : tool.getDeclaredFields()) {
      if (!field.getName().equals("messageCount")) continue;
      field.setAccessible(true);
      field.setInt(null, 0);
    }
  }
}
