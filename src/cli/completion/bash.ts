import { type CompletionContext, folderOptionPattern, pathPattern } from './context.ts';

/** The bash script. It finds the command in the words of the line, then offers the words that may follow. */
export function bashScript(contexts: readonly CompletionContext[]): string {
  const words = contexts.map(
    ({ path, words }) => `    '${path}') words='${words.map(({ text }) => text).join(' ')}' ;;`,
  );
  return `# bash completion of kinship. Use it with: source <(kinship completion bash)
_kinship() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} place=kinship word words
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$place $word" in
      ${pathPattern(contexts)}) place="$place $word" ;;
    esac
  done
  case "$place $previous" in
    ${folderOptionPattern(contexts)}) local IFS=$'\\n'; COMPREPLY=($(compgen -d -- "$current")); return ;;
  esac
  case "$place" in
${words.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -F _kinship kinship
`;
}
