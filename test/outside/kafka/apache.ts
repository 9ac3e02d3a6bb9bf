// Apache Kafka from the jars that ./install laid out: its command-line tools, and one broker as a yardstick.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

const cache = resolve(import.meta.dirname, '../../../.cache/outside')
export const classPath = `${cache}/kafka/lib/*:${cache}/kafka/lib:${cache}/java`
const tools = 'org.apache.kafka.tools'

/** Main classes of Apache Kafka's tools, by the names of their scripts. */
export const toolClass = {
  'kafka-topics': `${tools}.TopicCommand`,
  'kafka-console-producer': `${tools}.ConsoleProducer`,
  'kafka-console-consumer': `${tools}.consumer.ConsoleConsumer`,
  'kafka-consumer-groups': `${tools}.consumer.group.ConsumerGroupCommand`,
  'kafka-configs': 'kafka.admin.ConfigCommand',
  'kafka-get-offsets': `${tools}.GetOffsetShell`,
  'kafka-delete-records': `${tools}.DeleteRecordsCommand`,
  'kafka-log-dirs': `${tools}.LogDirsCommand`,
  'kafka-broker-api-versions': `${tools}.BrokerApiVersionsCommand`,
  'kafka-features': `${tools}.FeatureCommand`,
  'kafka-cluster': `${tools}.ClusterTool`,
  'kafka-groups': `${tools}.GroupsCommand`,
  'kafka-metadata-quorum': `${tools}.MetadataQuorumCommand`,
  'kafka-transactions': `${tools}.TransactionsCommand`,
  'kafka-leader-election': `${tools}.LeaderElectionCommand`,
  'kafka-reassign-partitions': `${tools}.reassign.ReassignPartitionsCommand`,
  'kafka-replica-verification': `${tools}.ReplicaVerificationTool`,
  'kafka-acls': `${tools}.AclCommand`,
  'kafka-client-metrics': `${tools}.ClientMetricsCommand`,
  'kafka-share-groups': `${tools}.consumer.group.ShareGroupCommand`,
  'kafka-streams-groups': `${tools}.streams.StreamsGroupCommand`,
  'kafka-dump-log': 'kafka.tools.DumpLogSegments',
  'kafka-producer-perf-test': `${tools}.ProducerPerformance`,
  'kafka-consumer-perf-test': `${tools}.ConsumerPerformance`,
  'kafka-e2e-latency': `${tools}.EndToEndLatency`,
  'kafka-verifiable-producer': `${tools}.VerifiableProducer`,
  'kafka-verifiable-consumer': `${tools}.VerifiableConsumer`,
  'kafka-delegation-tokens': `${tools}.DelegationTokenCommand`,
  'kafka-streams-application-reset': `${tools}.StreamsResetter`,
  'kafka-console-share-consumer': `${tools}.consumer.ConsoleShareConsumer`,
} as const

export type Tool = keyof typeof toolClass

export interface ToolResult {
  status: number
  stdout: string
  stderr: string
}

/** Runs one of Kafka's tools to its end. `input` goes to its standard input. */
export function runTool(
  tool: Tool,
  args: string[],
  options: { input?: string | Buffer; timeoutMs?: number; heap?: string } = {},
): Promise<ToolResult> {
  const java = [`-Xmx${options.heap ?? '512m'}`, '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=4']
  const child = spawn('java', [...java, '-cp', classPath, toolClass[tool], ...args])
  return finished(child, options.input, options.timeoutMs ?? 90_000)
}

/** Collects what a child prints until it ends; a child that takes too long is killed and fails. */
export function finished(
  child: ChildProcess,
  input: string | Buffer | undefined,
  timeoutMs: number,
): Promise<ToolResult> {
  return new Promise((done, fail) => {
    const stdout: Buffer[] = []
    const stderr: Buffer[] = []
    const timer = setTimeout(() => {
      child.kill('SIGKILL')
      const said = Buffer.concat([...stdout, ...stderr])
        .toString()
        .slice(-2_000)
      fail(
        new Error(`${child.spawnargs.join(' ').slice(-200)}: no end in ${timeoutMs} ms: ${said}`),
      )
    }, timeoutMs)
    child.stdout?.on('data', (bytes: Buffer) => stdout.push(bytes))
    child.stderr?.on('data', (bytes: Buffer) => stderr.push(bytes))
    child.on('error', fail)
    child.on('close', (code) => {
      clearTimeout(timer)
      done({
        status: code ?? -1,
        stdout: Buffer.concat(stdout).toString(),
        stderr: Buffer.concat(stderr).toString(),
      })
    })
    child.stdin?.on('error', () => {})
    child.stdin?.end(input ?? '')
  })
}

export interface ApacheBroker {
  bootstrap: string
  pid: number
  dataFolder: string
  /** Ends the process; the data stays until remove(). */
  stop(): Promise<void>
  remove(): void
}

/** One Apache Kafka broker and controller in one process, RF 1, as quality.md section 6 configures it. */
export async function startApacheKafka(
  port: number,
  overrides: Record<string, string> = {},
): Promise<ApacheBroker> {
  const home = mkdtempSync(join(tmpdir(), 'apache-kafka-'))
  const dataFolder = join(home, 'data')
  mkdirSync(dataFolder)
  const file = join(home, 'server.properties')
  writeFileSync(file, serverProperties(port, dataFolder, overrides))
  const java = ['-cp', classPath]
  const id = 'c2x1aWNlLWJlbmNoLXRlc3Q'
  execFileSync('java', [
    ...java,
    'kafka.tools.StorageTool',
    ...['format', '--standalone', '-t', id, '-c', file],
    // With it a fresh cluster sets min.insync.replicas for all brokers by itself; it is for several of them.
    ...['--feature', 'eligible.leader.replicas.version=0'],
  ])
  const log = openSync(join(home, 'broker.log'), 'w')
  const child = spawn('java', ['-Xms1g', '-Xmx1g', '-XX:+UseG1GC', ...java, 'kafka.Kafka', file], {
    stdio: ['ignore', log, log],
  })
  const ended = new Promise<void>((done) => child.on('close', () => done()))
  await reachable(port, 60_000)
  return {
    bootstrap: `127.0.0.1:${port}`,
    pid: child.pid!,
    dataFolder,
    async stop() {
      child.kill('SIGTERM')
      const timer = setTimeout(() => child.kill('SIGKILL'), 20_000)
      await ended
      clearTimeout(timer)
    },
    remove: () => rmSync(home, { recursive: true, force: true }),
  }
}

function serverProperties(
  port: number,
  dataFolder: string,
  overrides: Record<string, string>,
): string {
  const internal = ['offsets.topic', 'transaction.state.log', 'share.coordinator.state.topic']
  return [
    'process.roles=broker,controller',
    'node.id=1',
    `controller.quorum.bootstrap.servers=127.0.0.1:${port + 1}`,
    `listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${port + 1}`,
    `advertised.listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${port + 1}`,
    'controller.listener.names=CONTROLLER',
    'listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    `log.dirs=${dataFolder}`,
    ...internal.map((name) => `${name}.replication.factor=1`),
    'transaction.state.log.min.isr=1',
    'share.coordinator.state.topic.min.isr=1',
    'group.initial.rebalance.delay.ms=0',
    ...Object.entries(overrides).map(([name, value]) => `${name}=${value}`),
  ].join('\n')
}

/** Resolves when something listens on the port. */
export async function reachable(port: number, timeoutMs: number): Promise<void> {
  const deadline = performance.now() + timeoutMs
  while (performance.now() < deadline) {
    const open = await new Promise<boolean>((done) => {
      const socket = connect(port, '127.0.0.1')
      socket.on('connect', () => done(true)).on('error', () => done(false))
      socket.on('connect', () => socket.destroy())
    })
    if (open) return
    await new Promise((done) => setTimeout(done, 100))
  }
  throw new Error(`nothing listens on port ${port} after ${timeoutMs} ms`)
}
