import { commandLine } from '../../lib/command-line.ts';
import { errorChain, errorCode, errorMessage } from '../../lib/errors.ts';

export interface Pair {
  readonly access: string;
  readonly refresh: string;
}

/** What the service answered. */
export interface Answer {
  /** The method and the path. */
  readonly request: string;
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
  /** The status, and what the body says, with tokens cut short. */
  readonly summary: string;
}

const DEADLINE = 10_000;

/** A client of the service. Its methods throw if no Kinship answers at the URL. */
export function createCaller(url: string, userAgent: string) {
  async function post(path: string, body?: object): Promise<Answer> {
    const response = await send(path, body);
    const content = await readJson(response);
    const request = `POST ${path.split('?')[0]}`;
    const { status } = response;
    if (!isOfKinship(status, content)) {
      throw new Error(
        `No Kinship answers at ${url}: check --url or API_PORT. Another server answered ${request} with status ${status}.`,
      );
    }
    return { request, status, body: content, summary: `${status} ${summaryOf(content)}` };
  }

  /** Null: the body is not JSON. */
  async function readJson(response: Response): Promise<unknown> {
    try {
      return await response.json();
    } catch (error) {
      if (error instanceof SyntaxError) return null;
      throw noAnswer(error);
    }
  }

  function noAnswer(error: unknown): Error {
    const start = `start it with ${commandLine('serve')}, or name it with --url`;
    return new Error(`No service answers at ${url}: ${start}. Reason: ${innermostReason(error)}`);
  }

  async function send(path: string, body?: object): Promise<Response> {
    const headers = { 'user-agent': userAgent, ...(body && { 'content-type': 'application/json' }) };
    const signal = AbortSignal.timeout(DEADLINE);
    try {
      return await fetch(new URL(path, url), {
        method: 'POST',
        headers,
        signal,
        ...(body && { body: JSON.stringify(body) }),
      });
    } catch (error) {
      throw noAnswer(error);
    }
  }

  return {
    post,
    refresh: ({ access, refresh }: Pair) =>
      post('/auth/refresh', { refreshToken: refresh, accessToken: access }),
  };
}

/** Whether Kinship may have sent this answer: an object in JSON, and for a refusal a problem document of Kinship. */
function isOfKinship(status: number, content: unknown): content is Record<string, unknown> {
  if (typeof content !== 'object' || content === null) return false;
  return status < 400 || ('type' in content && String(content.type).startsWith('urn:problem-type:kinship:'));
}

/** The tokens of a successful answer. Throws for any other. */
export function requirePair({ request, body, summary }: Answer): Pair {
  const { access, refresh } = body;
  if (typeof access === 'string' && typeof refresh === 'string') return { access, refresh };
  throw new Error(`${request} should have answered a pair of tokens: ${summary}`);
}

function summaryOf(body: Readonly<Record<string, unknown>>): string {
  if (typeof body.code === 'string') return `${body.code}: ${body.detail}`;
  const { access, refresh } = body;
  return typeof refresh === 'string'
    ? `access ${shortenToken(access)}, refresh ${shortenToken(refresh)}`
    : JSON.stringify(body);
}

/** The end of a token differs from token to token; its beginning does not. */
function shortenToken(token: unknown): string {
  return `…${String(token).slice(-8)}`;
}

/** The code or the message of the innermost cause. The error of `fetch` itself says no more than "fetch failed". */
function innermostReason(error: unknown): string {
  const innermost = errorChain(error).at(-1);
  const code = errorCode(innermost);
  // A time limit fails with a DOMException, whose code is only a number.
  return /^[A-Z]/.test(code) ? code : errorMessage(innermost);
}
