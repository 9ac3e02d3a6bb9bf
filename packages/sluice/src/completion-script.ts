// The completion scripts: each hands the words on the line to `sluice __complete` and offers what it says.

export const shells = ['bash', 'zsh', 'fish'] as const

const scripts: Readonly<Record<(typeof shells)[number], string>> = {
  bash: `_sluice() {
  local IFS=$'\\n'
  COMPREPLY=($(sluice __complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _sluice sluice
`,
  zsh: `_sluice() {
  local -a candidates
  candidates=(\${(f)"$(sluice __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)"})
  if (( \${#candidates} )); then compadd -a candidates; else _files; fi
}
compdef _sluice sluice
`,
  fish: `function __sluice_complete
  set -l words (commandline -opc) (commandline -ct)
  sluice __complete -- $words[2..-1] 2>/dev/null
end
complete -c sluice -a '(__sluice_complete)'
`,
}

export function completionScript(shell: (typeof shells)[number]): string {
  return scripts[shell]
}
