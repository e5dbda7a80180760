import { type CompletionContext, type CompletionContexts, pathPattern, type Word } from './context.ts';

/** The zsh script. It finds the command or the option before the cursor, then offers what may follow. */
export function zshScript({ groups, commands, options }: CompletionContexts): string {
  return `#compdef kinship
# zsh completion of kinship. Use it with: source <(kinship completion zsh)
_kinship() {
  local place=kinship word names current=$words[CURRENT] previous=$words[CURRENT-1]
  local -a candidates
  if [[ $current == --*=* ]]; then
    previous=\${current%%=*} current=\${current#*=}
    compset -P '*='
  fi
  for word in "\${(@)words[2,CURRENT-1]}"; do
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
  if [[ -z $names || $current == -* ]]; then
    _describe kinship candidates
  elif [[ $names == folders ]]; then
    _files -/
  else
    _files
  fi
}
if [[ $funcstack[1] == _kinship ]]; then
  _kinship "$@"
else
  (( $+functions[compdef] )) || { autoload -Uz compinit && compinit; }
  compdef _kinship kinship
fi
`;
}

function branch({ path, words, names }: CompletionContext): string {
  const candidates = words.map(completionEntry).join(' ');
  return `    '${path}') candidates=(${candidates})${names === null ? '' : ` names=${names}`} ;;`;
}

/** An entry of `_describe`. Escapes colons and quotes, which zsh would interpret. */
function completionEntry({ text, description }: Word): string {
  return `'${text}:${description.replaceAll("'", "'\\''").replaceAll(':', '\\:')}'`;
}
