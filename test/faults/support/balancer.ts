import { once } from 'node:events';
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import type { Test } from 'tap';

/** Milliseconds between two readiness checks of a replica. */
const CHECK_EVERY = 100;

/**
 * Starts a round-robin balancer over the ready replicas. A request goes to another replica only if the first one
 * refused the connection. If the first one fails in another way, the client gets 502.
 */
export async function startBalancer(t: Pick<Test, 'teardown'>, replicas: readonly URL[]) {
  const agent = new Agent({ keepAlive: true });
  const watch = monitorReadiness(replicas);
  let next = 0;

  async function answer(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const body = await buffer(incoming);
    const ready = watch.ready();
    const order = ready.map((_, index) => ready[(next + index) % ready.length]!);
    next += 1;
    for (const replica of order) {
      const answered = await forward(agent, replica, incoming, body);
      if (answered === 'refused') continue;
      if (answered === 'lost') break;
      outgoing
        .writeHead(answered.status, { ...answered.headers, connection: 'keep-alive' })
        .end(answered.body);
      return;
    }
    outgoing.writeHead(502).end('{}');
  }

  const server = createServer((incoming, outgoing) => void answer(incoming, outgoing));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  await watch.first;
  t.teardown(async () => {
    server.closeAllConnections();
    server.close();
    agent.destroy();
    await watch.stop();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

async function forward(
  agent: Agent,
  replica: URL,
  { method, url = '/', headers }: IncomingMessage,
  body: Buffer,
) {
  const { connection: _, ...rest } = headers;
  const passed = request(new URL(url, replica), { method, headers: rest, agent });
  try {
    passed.end(body);
    const [response] = (await once(passed, 'response')) as [IncomingMessage];
    passed.on('error', () => {});
    const { connection: _, 'transfer-encoding': __, ...kept } = response.headers;
    return { status: response.statusCode ?? 502, headers: kept, body: await buffer(response) };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    return code === 'ECONNREFUSED' ? 'refused' : 'lost';
  }
}

/** Checks repeatedly which replicas are ready. */
function monitorReadiness(replicas: readonly URL[]) {
  const states = new Map<URL, boolean>();
  const stopping = new AbortController();
  const look = async () => {
    await Promise.all(
      replicas.map(async (replica) => {
        const answer = fetch(new URL('/health/ready', replica), { signal: AbortSignal.timeout(1_000) });
        states.set(
          replica,
          await answer.then(
            ({ ok }) => ok,
            () => false,
          ),
        );
      }),
    );
  };
  const first = look();
  const running = (async () => {
    for (await first; !stopping.signal.aborted; await look()) await delay(CHECK_EVERY);
  })();
  return {
    first,
    /** The ready replicas. If none is ready, all replicas, because the request fails in any case. */
    ready: () => {
      const ready = replicas.filter((replica) => states.get(replica) === true);
      return ready.length > 0 ? ready : replicas;
    },
    async stop() {
      stopping.abort();
      await running;
    },
  };
}
