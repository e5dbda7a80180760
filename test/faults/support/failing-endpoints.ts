import { randomInt } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { Test } from 'tap';
import { freePort } from '../../support/ports.ts';
import { tcpProxy } from '../../support/tcp-proxy.ts';
import { webhookReceiver } from '../../support/webhook-receiver.ts';

/** An endpoint of webhooks, and the requests that it received. */
export interface FailingEndpoint {
  readonly name: string;
  readonly url: string;
  /** Every request that arrived, also the requests that were answered with a failure. */
  readonly arrivals: readonly Arrival[];
  /** Ends the fault. */
  mend(): Promise<void>;
}

export interface Arrival {
  readonly eventId: string;
  readonly body: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

type Answer = (response: ServerResponse) => void;

const accept: Answer = (response) => void response.writeHead(204).end();

const acceptAfter =
  (milliseconds: number): Answer =>
  (response) =>
    void delay(milliseconds).then(() => accept(response));

/** Starts five endpoints: one works, and each of the others has a different fault. */
export async function startFailingEndpoints(t: Test) {
  const [well, slow, dead, failing, cut] = await Promise.all([
    receive(t, { name: 'well', answer: acceptAfter(30) }),
    receive(t, { name: 'slow', answer: acceptAfter(3_000) }),
    startDead(t),
    receive(t, { name: 'failing', answer: (response) => void response.writeHead(500).end() }),
    startCut(t),
  ]);
  return { well, slow, dead, failing, cut };
}

interface ReceiverOptions {
  readonly name: string;
  readonly answer: Answer;
  readonly port?: number;
  readonly arrivals?: Arrival[];
}

async function receive(
  t: Test,
  { name, answer, port, arrivals = [] }: ReceiverOptions,
): Promise<FailingEndpoint & { readonly port: number }> {
  const receiver = await webhookReceiver(t, '127.0.0.1', port);
  let answerNow = answer;
  receiver.answerWith((response, { headers, body }) => {
    arrivals.push({ eventId: headers['webhook-id'] ?? '', body, at: Date.now() });
    answerNow(response);
  });
  return {
    name,
    url: receiver.url,
    port: receiver.port,
    arrivals,
    async mend() {
      answerNow = accept;
    },
  };
}

/** An endpoint whose port has no listener until the fault ends. */
async function startDead(t: Test): Promise<FailingEndpoint> {
  const port = await freePort();
  const arrivals: Arrival[] = [];
  return {
    name: 'dead',
    url: `http://127.0.0.1:${port}/hook`,
    arrivals,
    mend: async () => void (await receive(t, { name: 'dead', answer: accept, port, arrivals })),
  };
}

/** An endpoint whose connections are cut at random: before the request, within it, or before the answer. */
async function startCut(t: Test): Promise<FailingEndpoint> {
  const receiver = await receive(t, { name: 'cut', answer: acceptAfter(20) });
  const proxy = await tcpProxy(t, { host: '127.0.0.1', port: receiver.port });
  const stopping = new AbortController();
  const cutting = (async () => {
    for (; !stopping.signal.aborted; await delay(randomInt(5, 60))) proxy.cut();
  })();
  const mend = async () => {
    stopping.abort();
    await cutting;
  };
  t.teardown(mend);
  return { ...receiver, url: `http://127.0.0.1:${proxy.port}/hook`, mend };
}
