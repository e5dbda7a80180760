import { once } from 'node:events';
import { Agent, type ClientRequest, type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import type { Test } from 'tap';

export interface Answer {
  readonly status: number;
  readonly retryAfter: string | undefined;
  readonly body: Readonly<Record<string, unknown>>;
}

/** The stage in which a request failed before its answer was complete. */
type Stage = 'connecting' | 'asking' | 'answering';

/** A request without a complete answer. Its outcome is unknown. */
export class RequestFailed extends Error {
  override readonly name = 'RequestFailed';
  readonly stage: Stage;
  /** Whether the connection had carried an earlier answer. If so, the server had certainly accepted the connection. */
  readonly reused: boolean;

  constructor(stage: Stage, reused: boolean, cause: unknown) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause);
    super(`${stage}${reused ? ', reused' : ''}: ${code}`, { cause });
    this.stage = stage;
    this.reused = reused;
  }
}

/** Creates an agent for one or more clients. Its connections are closed with the test. */
export function createAgent(
  t: Pick<Test, 'teardown'>,
  { keepAlive }: { readonly keepAlive: boolean },
): Agent {
  const agent = new Agent({ keepAlive });
  t.teardown(() => agent.destroy());
  return agent;
}

/** Sends a POST request: see {@link ask}. */
export function post(agent: Agent, url: URL, body?: unknown, headers?: Headers): Promise<Answer> {
  return ask(agent, 'POST', url, body, headers);
}

type Headers = Readonly<Record<string, string>>;

/** Sends the body as JSON. Rejects with {@link RequestFailed}. */
export async function ask(
  agent: Agent,
  method: string,
  url: URL,
  body?: unknown,
  headers: Headers = {},
): Promise<Answer> {
  const json = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
  const type = json && { 'content-type': 'application/json', 'content-length': json.length };
  const outgoing = request(url, { method, agent, headers: { ...type, ...headers } });
  let stage: Stage = 'connecting';
  outgoing.once('socket', (socket) => {
    if (!socket.connecting) stage = 'asking';
    else socket.once('connect', () => (stage = 'asking'));
  });
  try {
    const response = await responseTo(outgoing, json);
    stage = 'answering';
    return await read(response);
  } catch (error) {
    throw new RequestFailed(stage, outgoing.reusedSocket, error);
  }
}

async function responseTo(outgoing: ClientRequest, body: Buffer | undefined): Promise<IncomingMessage> {
  // Without a listener, an error after the response would end the process. `read` rejects with that error.
  outgoing.on('error', () => {});
  outgoing.end(body);
  const [response] = await once(outgoing, 'response');
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
