import { type CompletionContext, folderOptionPattern, pathPattern, type Word } from './context.ts';

/** The zsh script. It finds the command in the words of the line, then offers the words that may follow. */
export function zshScript(contexts: readonly CompletionContext[]): string {
  const candidates = contexts.map(
    ({ path, words }) => `    '${path}') candidates=(${words.map(completionEntry).join(' ')}) ;;`,
  );
  return `#compdef kinship
# zsh completion of kinship. Use it with: source <(kinship completion zsh)
_kinship() {
  local place=kinship word
  local -a candidates
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "$place $word" in
      ${pathPattern(contexts)}) place="$place $word" ;;
    esac
  done
  case "$place $words[CURRENT-1]" in
    ${folderOptionPattern(contexts)}) _files -/; return ;;
  esac
  case "$place" in
${candidates.join('\n')}
  esac
  _describe kinship candidates
}
if [[ $funcstack[1] == _kinship ]]; then
  _kinship "$@"
else
  (( $+functions[compdef] )) || { autoload -Uz compinit && compinit; }
  compdef _kinship kinship
fi
`;
}

/** An entry of `_describe`. Escapes colons and quotes, which zsh would interpret. */
function completionEntry({ text, description }: Word): string {
  return `'${text}:${description.replaceAll("'", "'\\''").replaceAll(':', '\\:')}'`;
}
