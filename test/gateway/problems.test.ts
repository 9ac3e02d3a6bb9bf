import { errors } from '@sluice/protocol/errors'
import { describe, expect, test } from 'vitest'
import { isRetriableProblem, problemBody, statusOf } from '../../services/gateway/src/problem.ts'
import { kafkaProblem, kafkaProblems } from '../../services/gateway/src/problems.ts'

const codes = Object.entries(errors).filter(([name]) => name !== 'NONE')

describe('problems', () => {
  test('every Kafka error has one, with a status that fits', () => {
    expect(Object.keys(kafkaProblems).sort()).toEqual(codes.map(([name]) => name).sort())
    for (const [name, code] of codes) {
      const body = problemBody(kafkaProblem(code))
      expect(body).toMatchObject({ kafka: { code, name }, detail: expect.stringMatching(/\w/) })
      expect(body['status']).toBeGreaterThanOrEqual(400)
      expect(body['type']).toBe(
        `https://sluice.dev/errors/${String(body['code']).replaceAll('_', '-')}`,
      )
    }
  })

  test('a caller who may try again is told so by 5xx, 408, 425 or 429', () => {
    for (const [name, code] of codes) {
      const problem = kafkaProblem(code)
      if (!isRetriableProblem(problem)) continue
      const status = statusOf(problem)
      expect([name, status >= 500 || [408, 425, 429].includes(status)]).toEqual([name, true])
    }
  })

  test('the broker’s own words come before the general ones', () => {
    expect(kafkaProblem(errors.INVALID_CONFIG, 'no such config: x').detail).toBe(
      'no such config: x',
    )
    expect(kafkaProblem(errors.INVALID_CONFIG, '').detail).toMatch(/\w/)
  })

  test('an outcome that is not known says so', () => {
    for (const code of [errors.REQUEST_TIMED_OUT, errors.NOT_ENOUGH_REPLICAS_AFTER_APPEND]) {
      expect(problemBody(kafkaProblem(code))).toMatchObject({
        status: 504,
        side_effects: 'unknown',
      })
    }
    expect(problemBody(kafkaProblem(errors.NOT_ENOUGH_REPLICAS))['side_effects']).toBe('none')
  })
})
