// What the codec throws. `path` leads from the message to the field at fault, outermost first; it
// is empty until the interpreter has gone over the message (codec.ts sees to that).

abstract class CodecError extends Error {
  readonly path: (string | number)[] = []

  /** The same error with the message's name and the path to the field in its text. */
  located(message: string, version: number): this {
    let text = ''
    for (const step of this.path) text += typeof step === 'number' ? `[${step}]` : `.${step}`
    this.message = `${message} v${version}${text}: ${this.message}`
    return this
  }
}

/** Input that is not a well-formed message: cut off, trailing bytes, or a length that cannot be. */
export class DecodeError extends CodecError {
  override readonly name = 'DecodeError'
}

/** A value that the schema, or the chosen version of it, cannot carry. */
export class EncodeError extends CodecError {
  override readonly name = 'EncodeError'
}

/** Runs `action` and puts `step` at the front of the path of a codec error it throws. */
export function at<T>(step: string | number, action: () => T): T {
  try {
    return action()
  } catch (error) {
    if (error instanceof CodecError) error.path.unshift(step)
    throw error
  }
}
