import { describe, expect, test } from 'vitest'
import { againstEmbedded } from './against-embedded.ts'

const { run, output } = againstEmbedded()

describe('sluice consume', () => {
  test('--json says all of a record', async () => {
    await output(['produce', 't', '--header', 'h=1'], { input: '{"n": 1.50}\nplain\n' })
    const text = await output(['consume', 't', '--from-beginning', '--until-end', '--json'])
    expect(text).toContain('"value":{"n": 1.50}')
    const records = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(records[1]).toMatchObject({
      partition: 0,
      offset: 1,
      key: null,
      value: 'plain',
      headers: [['h', '1']],
    })
  })

  test.each([
    [['--offset', '3'], '3\n4\n'],
    [['--offset', '-2'], '3\n4\n'],
    [['--offset', '-9'], '0\n1\n2\n3\n4\n'],
    [['--offset', 'earliest', '--max', '1'], '0\n'],
    [['--offset', 'latest'], ''],
    [[], ''],
    [['--partition', '0', '--from-beginning', '--max', '2'], '0\n1\n'],
    [['-X', 'auto.offset.reset=earliest'], '0\n1\n2\n3\n4\n'],
  ])('%j begins there', async (flags, expected) => {
    await output(['produce', 't'], { input: '0\n1\n2\n3\n4\n' })
    expect(await output(['consume', 't', '--until-end', ...flags])).toBe(expected)
  })

  test('a group goes on where it left off, to the record', async () => {
    await output(['produce', 't'], { input: '0\n1\n2\n3\n4\n' })
    const member = ['consume', 't', '--group', 'g', '--from-beginning']
    expect(await output([...member, '--max', '2'])).toBe('0\n1\n')
    expect(await output([...member, '--max', '1'])).toBe('2\n')
    expect(await output([...member, '--until-end'])).toBe('3\n4\n')
    expect(await output([...member, '--timeout', '300ms'])).toBe('')
  })

  test('--timeout ends a wait for records', async () => {
    expect(await output(['consume', 'fresh', '--timeout', '300'])).toBe('')
  })

  test.each([
    [['consume', 't', '--partition', '4'], /^sluice: t has 1 partitions, there is no 4/],
    [['consume', 't', '--group', 'g', '--offset', '1'], /cannot be used with option/],
    [['consume', 't', '--format', 'xml'], /Allowed choices are value, key-value, json, base64/],
  ])('%j is refused in one line', async (args, message) => {
    await output(['topics', 'create', 't'])
    const { status, stdout, stderr } = await run(args)
    expect(status).toBeGreaterThan(0)
    expect(stdout).toBe('')
    expect(stderr).toMatch(message)
    expect(stderr.trimEnd().split('\n')).toHaveLength(1)
  })
})
