import { stepsIn } from './transcript.ts';

/** A request that a document sends with curl, with variables in double braces. */
export interface CurlRequest {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly headers: readonly string[];
  readonly body: string | undefined;
  readonly status: number;
}

const ORIGIN = 'http://localhost:3000';

/** Shell expressions, and the variables of the collection that replace them. */
const VARIABLES: readonly (readonly [string | RegExp, string])[] = [
  [/\$\(member (\w+)\)/g, '{{$1}}'],
  [/\$\(sed [^ ]+ '[^']+' sessions\.json\)/g, '{{sessionId}}'],
  [/\$\{(?:reset|notme|verify|change|undo)#\*token=\}/g, '{{linkToken}}'],
  ['"$reset"', `"${ORIGIN}/auth/password/reset?token={{linkToken}}"`],
  ['"$notme"', `"${ORIGIN}/auth/not-me?token={{linkToken}}"`],
  ['"$verify"', `"${ORIGIN}/auth/email/verify?token={{linkToken}}"`],
  ['"$change"', `"${ORIGIN}/auth/email/change?token={{linkToken}}"`],
  ['"$undo"', `"${ORIGIN}/auth/email/undo?token={{linkToken}}"`],
  ['$json', 'content-type: application/json'],
  ['$key', 'x-api-key: {{serviceKey}}'],
  ['$user', '{{userId}}'],
  ['$webhook', '{{webhookId}}'],
  ['$other', '{{sessionId}}'],
  ['$factor', '{{factorId}}'],
  ['$lost', '{{factorId}}'],
  ['$challenge', '{{challenge}}'],
  ['$recovery', '{{recoveryCode}}'],
  [/\$\(code(?: 1)?\)/g, '{{code}}'],
  ['correct-horse-battery-staple-2026', '{{serviceKey}}'],
];

/**
 * Marks a body that another command prints. Such a request is left out: the collection has the example of its operation
 * instead.
 */
const PIPED = ' -d @-';

/**
 * The requests of a document in their order. Requests whose body comes from a pipe are left out. Throws if a command
 * has shell syntax that is not supported here.
 */
export function requestsIn(document: string): readonly CurlRequest[] {
  return stepsIn(document).flatMap(({ commands, status = 200 }) => {
    const found = [...withVariables(commands).matchAll(/curl -s (.*)$/gm)]
      .map(([, command = '']) => command)
      .filter((command) => !command.includes(PIPED))
      .map(wordsOf);
    return found.map((words, index) => requestOf(words, index === found.length - 1 ? status : 200));
  });
}

function withVariables(commands: string): string {
  const joined = commands.replace(/\\\n\s*/g, '');
  return VARIABLES.reduce((text, [from, to]) => text.replaceAll(from, to), joined);
}

/** The words of one command, without their quotes; a pipe, a semicolon or a parenthesis ends it. */
function wordsOf(command: string): readonly string[] {
  const words: string[] = [];
  for (const [word, single, double] of command.matchAll(/'([^']*)'|"((?:[^"\\]|\\.)*)"|[|;)]|[^\s'"|;)]+/g)) {
    if (/^[|;)]$/.test(word)) break;
    words.push(single ?? double?.replace(/\\(.)/g, '$1') ?? word);
  }
  return words;
}

function requestOf(words: readonly string[], status: number): CurlRequest {
  const of = (option: string) => words.filter((_, index) => words[index - 1] === option);
  const url = words.find((word) => word.startsWith(ORIGIN)) ?? '';
  if (url === '') throw new Error(`no URL in ${words.join(' ')}`);
  const form = of('--data-urlencode').map((field) => field.replaceAll(' ', '+'));
  const body = of('-d')[0] ?? (form.length > 0 ? form.join('&') : undefined);
  const type = form.length > 0 ? ['content-type: application/x-www-form-urlencoded'] : [];
  const sent = [url, ...of('-H'), body ?? ''].join(' ');
  if (sent.includes('$'))
    throw new Error(
      `This shell syntax is not supported in documents: ${sent}. Add it to VARIABLES in test/support/curl.ts, or change the example`,
    );
  return {
    method: of('-X')[0] ?? (body === undefined ? 'GET' : 'POST'),
    path: url.slice(ORIGIN.length),
    headers: [...of('-H').map(lowerCaseName), ...type],
    body,
    status,
  };
}

function lowerCaseName(header: string): string {
  return header.replace(/^[^:]+/, (name) => name.toLowerCase());
}
