import { once } from 'node:events';
import { Agent, type ClientRequest, type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import type { Test } from 'tap';

export interface Answer {
  readonly status: number;
  readonly retryAfter: string | undefined;
  readonly body: Readonly<Record<string, unknown>>;
}

/** How far a request came that got no answer, or only a part of one. */
type Stage = 'connecting' | 'asking' | 'answering';

/** The client cannot tell what became of its request. */
export class Unanswered extends Error {
  override readonly name = 'Unanswered';
  readonly stage: Stage;
  /** The connection had carried an answer before, so that the server had certainly taken it. */
  readonly reused: boolean;

  constructor(stage: Stage, reused: boolean, cause: unknown) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause);
    super(`${stage}${reused ? ', reused' : ''}: ${code}`, { cause });
    this.stage = stage;
    this.reused = reused;
  }
}

/** Connections of one client or of many, closed with the test. */
export function connections(
  t: Pick<Test, 'teardown'>,
  { keepAlive }: { readonly keepAlive: boolean },
): Agent {
  const agent = new Agent({ keepAlive });
  t.teardown(() => agent.destroy());
  return agent;
}

/** As {@link ask}, for what most requests are. */
export function post(agent: Agent, url: URL, body?: unknown, headers?: Headers): Promise<Answer> {
  return ask(agent, 'POST', url, body, headers);
}

type Headers = Readonly<Record<string, string>>;

/** Sends the body as JSON. Rejects with {@link Unanswered}. */
export async function ask(
  agent: Agent,
  method: string,
  url: URL,
  body?: unknown,
  headers: Headers = {},
): Promise<Answer> {
  const json = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
  const type = json && { 'content-type': 'application/json', 'content-length': json.length };
  const asked = request(url, { method, agent, headers: { ...type, ...headers } });
  let stage: Stage = 'connecting';
  asked.once('socket', (socket) => {
    if (!socket.connecting) stage = 'asking';
    else socket.once('connect', () => (stage = 'asking'));
  });
  try {
    const response = await responseTo(asked, json);
    stage = 'answering';
    return await read(response);
  } catch (error) {
    throw new Unanswered(stage, asked.reusedSocket, error);
  }
}

async function responseTo(asked: ClientRequest, body: Buffer | undefined): Promise<IncomingMessage> {
  asked.on('error', () => {}); // one that comes after the response ends the reading of it
  asked.end(body);
  const [response] = await once(asked, 'response');
  return response as IncomingMessage;
}

async function read(response: IncomingMessage): Promise<Answer> {
  const content = await text(response);
  return {
    status: response.statusCode ?? 0,
    retryAfter: response.headers['retry-after'],
    body: content === '' ? {} : JSON.parse(content),
  };
}
