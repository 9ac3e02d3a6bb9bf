import { describe, test } from 'vitest'
import { runTranscript, transcripts } from '../../scenarios/transcript.ts'
import { groupInterpreter } from './group-transcript.ts'

describe('group transcripts', () => {
  test.each(transcripts('group-'))('%s', (fileName) => {
    runTranscript(fileName, groupInterpreter())
  })
})
