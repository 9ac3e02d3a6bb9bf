import { describe, expect, test } from 'vitest'
import { againstEmbedded } from './against-embedded.ts'

const { run, output } = againstEmbedded()

describe('sluice configs', () => {
  test('set, get and unset of a topic', async () => {
    await output(['topics', 'create', 'orders'])
    const of = ['--topic', 'orders']
    expect(await output(['configs', 'get', ...of])).toBe('')
    const changes = ['retention.ms=1000', 'cleanup.policy+=compact']
    expect(await output(['configs', 'set', ...of, ...changes, '--dry-run'])).toBe(
      'topic orders can be altered so\n',
    )
    expect(await output(['configs', 'set', ...of, ...changes])).toBe(
      [
        'CONFIG          VALUE           SOURCE',
        'cleanup.policy  delete,compact  topic',
        'retention.ms    1000            topic',
        '',
      ].join('\n'),
    )
    const all = await output(['configs', 'get', ...of, '--all'])
    expect(all).toMatch(/^segment.bytes +1073741824 +default$/m)
    expect(await output(['configs', 'get', ...of, 'retention.ms', '--verbose'])).toBe(
      [
        'retention.ms = 1000',
        '  from      topic',
        '  type      long',
        '  in order  retention.ms=1000 (topic)',
        '  does      How long records are kept; -1: for ever.',
        '',
      ].join('\n'),
    )
    const unset = ['configs', 'unset', ...of, 'cleanup.policy', 'retention.ms']
    expect(await output(unset)).toBe('topic orders has no configs of its own\n')
  })

  test('of one broker, and of all', async () => {
    await output(['configs', 'set', '--brokers', 'log.retention.ms=5000'])
    const [entry] = JSON.parse(
      await output(['configs', 'get', '--broker', '1', 'log.retention.ms', '--json']),
    )
    expect(entry).toMatchObject({ value: '5000', source: 'all brokers', readOnly: false })
    await output(['configs', 'set', '--broker', '1', 'log.retention.ms=6000'])
    expect(await output(['configs', 'get', '--broker', '1', 'log.retention.ms'])).toMatch(
      /^log.retention.ms +6000 +broker$/m,
    )
    await output(['configs', 'unset', '--broker', '1', 'log.retention.ms'])
    await output(['configs', 'unset', '--brokers', 'log.retention.ms'])
  })

  test.each([
    [['get', '--topic', 'missing'], 1, /^sluice: topic missing: .*\(UNKNOWN_TOPIC_OR_PARTITION\)/],
    [['get', '--topic', 'orders', 'retention'], 1, /^sluice: topic orders has no config retention/],
    [['set', '--topic', 'orders', 'retention.ms=soon'], 1, /retention.ms.*\(INVALID_CONFIG\)/],
    [['set', '--topic', 'orders', 'retention.msec=1'], 1, /retention.msec.*\(INVALID_CONFIG\)/],
    [['set', '--topic', 'orders', 'retention.ms'], 2, /not of the form name=value/],
    [['get'], 2, /say of what: --topic/],
    [['get', '--topic', 'orders', '--broker', '1'], 2, /cannot be used with/],
    [['get', '--broker', 'one'], 1, /'one' is no broker id/],
  ])('%j fails in one line', async (args, expected, message) => {
    await output(['topics', 'create', 'orders'])
    const { status, stderr } = await run(['configs', ...args])
    expect(stderr).toMatch(message)
    expect(status).toBe(expected)
    expect(stderr.trimEnd().split('\n')).toHaveLength(1)
  })
})
