import { brokerConfig } from '@sluice/core/config/broker-config'
import { describe, expect, test } from 'vitest'
import { planListeners } from '../../packages/sluice/src/listeners.ts'

function plan(configs: Record<string, string>, options = { insecure: false }) {
  const result = brokerConfig(configs)
  if (!result.ok) throw new Error(result.errors[0].message)
  return planListeners(result.config, options)
}

describe('planListeners', () => {
  test('a loopback listener is bound and advertised as it is', () => {
    expect(plan({ listeners: 'PLAINTEXT://127.0.0.1:9092' })).toEqual({
      ok: true,
      listeners: [
        { name: 'PLAINTEXT', bind: { host: '127.0.0.1', port: 9092 }, advertised: 'bound' },
      ],
      notices: [],
    })
  })

  test('several listeners each have their own advertised address', () => {
    const result = plan({
      listeners: 'INSIDE://127.0.0.1:9092,OUTSIDE://[::1]:9094',
      'advertised.listeners': 'OUTSIDE://broker.example:19094,INSIDE://localhost:9092',
      'listener.security.protocol.map': 'INSIDE:PLAINTEXT, OUTSIDE:PLAINTEXT',
    })
    expect(result).toMatchObject({
      listeners: [
        { name: 'INSIDE', advertised: { host: 'localhost', port: 9092 } },
        {
          name: 'OUTSIDE',
          bind: { host: '::1', port: 9094 },
          advertised: { host: 'broker.example', port: 19_094 },
        },
      ],
    })
  })

  test.each(['0.0.0.0', '[::]'])('%s without an advertised address is refused', (host) => {
    const result = plan({ listeners: `PLAINTEXT://${host}:9092` }, { insecure: true })
    expect(result).toMatchObject({ ok: false, hint: expect.stringContaining('--advertise HOST') })
  })

  test('off loopback needs --insecure', () => {
    const configs = {
      listeners: 'PLAINTEXT://0.0.0.0:9092',
      'advertised.listeners': 'PLAINTEXT://broker.example:9092',
    }
    expect(plan(configs)).toMatchObject({
      ok: false,
      message: expect.stringContaining('neither TLS nor authentication'),
      hint: expect.stringContaining('--insecure'),
    })
    expect(plan(configs, { insecure: true })).toMatchObject({
      listeners: [{ bind: { host: '0.0.0.0', port: 9092 } }],
    })
  })

  test("Kafka's own `PLAINTEXT://:9092` starts, on loopback, and says so", () => {
    expect(
      plan({
        listeners: 'PLAINTEXT://:9092,CONTROLLER://:9093',
        'advertised.listeners': 'PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093',
        'controller.listener.names': 'CONTROLLER',
      }),
    ).toMatchObject({
      listeners: [
        { bind: { host: '127.0.0.1', port: 9092 }, advertised: { host: 'localhost', port: 9092 } },
      ],
      notices: [
        expect.stringContaining('CONTROLLER://:9093 is not opened'),
        expect.stringContaining('listening on 127.0.0.1 only'),
      ],
    })
  })

  test.each([
    [{ listeners: 'SSL://127.0.0.1:9093' }, 'asks for SSL: TLS and SASL are not there yet'],
    [
      { listeners: 'MINE://127.0.0.1:9093' },
      'no security protocol is defined for the listener MINE',
    ],
    [{ listeners: '127.0.0.1:9092' }, "'127.0.0.1:9092' is not of the form NAME://host:port"],
    [{ listeners: 'PLAINTEXT://127.0.0.1:99999' }, 'not of the form'],
    [
      { listeners: 'PLAINTEXT://127.0.0.1:9,PLAINTEXT://127.0.0.1:8' },
      'the name PLAINTEXT stands for',
    ],
    [
      {
        listeners: 'PLAINTEXT://127.0.0.1:9,B://127.0.0.1:9',
        'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,B:PLAINTEXT',
      },
      'take the same port',
    ],
    [
      { listeners: 'PLAINTEXT://127.0.0.1:9', 'advertised.listeners': 'SSL://h:9' },
      'advertised.listeners names SSL, listeners does not',
    ],
    [
      { listeners: 'PLAINTEXT://127.0.0.1:9', 'advertised.listeners': 'PLAINTEXT://0.0.0.0:9' },
      'names no host that clients could connect to',
    ],
    [
      {
        listeners: 'CONTROLLER://:9093',
        'controller.listener.names': 'CONTROLLER',
        'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT',
      },
      'names no listener for clients',
    ],
    [{ 'listener.security.protocol.map': 'PLAINTEXT' }, "'PLAINTEXT' is not of the form"],
  ])('%j is refused', (configs, message) => {
    expect(plan(configs)).toMatchObject({ ok: false, message: expect.stringContaining(message) })
  })
})
