// Help: what stands below the options of a command: lines to try, as they would be typed.

/** For `addHelpText('after', …)`. */
export function examples(...lines: readonly string[]): string {
  const title = lines.length === 1 ? 'Example' : 'Examples'
  return `\n${title}:\n${lines.map((line) => `  $ ${line}`).join('\n')}\n`
}
