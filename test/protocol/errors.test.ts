import { errorText, errorTexts } from '@sluice/protocol/error-texts'
import { errorName, errors, isRetriable } from '@sluice/protocol/errors'
import { expect, it } from 'vitest'

it('has every code once, from -1 on without a gap', () => {
  const codes = Object.values(errors).sort((a, b) => a - b)
  expect(codes).toEqual(Array.from({ length: codes.length }, (_, i) => i - 1))
  expect(errors.NOT_COORDINATOR).toBe(16)
  expect(errors.CONTROLLER_ID_NOT_REGISTERED).toBe(136)
})

it('names codes and says what they mean', () => {
  expect(errorName(6)).toBe('NOT_LEADER_OR_FOLLOWER')
  expect(errorName(12345)).toBe('UNKNOWN_SERVER_ERROR')
  expect(errorText(36)).toBe('There is a topic of this name already.')
  expect(Object.keys(errorTexts)).toEqual(Object.keys(errors))
})

it('knows what is worth another try', () => {
  expect([3, 6, 7, 14, 15, 16].every(isRetriable)).toBe(true)
  expect([-1, 0, 1, 10, 22, 25, 27, 45].some(isRetriable)).toBe(false)
})
