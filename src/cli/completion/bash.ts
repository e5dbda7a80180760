import { type CompletionContext, type CompletionContexts, pathPattern } from './context.ts';

/** The bash script. It finds the command or the option before the cursor, then offers what may follow. */
export function bashScript({ groups, commands, options }: CompletionContexts): string {
  return `# bash completion of kinship. Use it with: source <(kinship completion bash)
_kinship() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} place=kinship word words= names=
  COMPREPLY=()
  # bash splits --option=value into three words.
  if [[ $current == = ]]; then current=; elif [[ $previous == = ]]; then previous=\${COMP_WORDS[COMP_CWORD-2]}; fi
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$place $word" in
      ${pathPattern(commands)}) place="$place $word" ;;
      *)
        # Nothing can follow an unknown subcommand.
        case "$place" in ${pathPattern(groups)}) [[ $word == -* ]] || return 1 ;; esac ;;
    esac
  done
  case "$place $previous" in
    ${pathPattern(options)}) place="$place $previous" ;;
  esac
  case "$place" in
${[...commands, ...options].map(branch).join('\n')}
  esac
  if [[ -n $names && $current != -* ]]; then
    # Escapes spaces in names. Fails outside of a completion, and in versions of bash before 4.
    compopt -o filenames 2>/dev/null
    local IFS=$'\\n'
    COMPREPLY=($(compgen "$names" -- "$current"))
  else
    COMPREPLY=($(compgen -W "$words" -- "$current"))
  fi
}
complete -F _kinship kinship
`;
}

const ACTIONS = { files: ' names=-f', folders: ' names=-d' };

function branch({ path, words, names }: CompletionContext): string {
  return `    '${path}') words='${words.map(({ text }) => text).join(' ')}'${names === null ? '' : ACTIONS[names]} ;;`;
}
