import { setTimeout as sleep } from 'node:timers/promises';
import { type Connection, openConnection } from '../load/connection.ts';
import type { Target } from '../load/scenario.ts';
import { type Kind, sessionSteps } from './users.ts';

/** The counts and times since the end of the previous window. */
export interface Window {
  readonly answered: number;
  /** Milliseconds of each answer. In the open loop they are measured from the moment at which the request was due. */
  readonly times: ReadonlyMap<Kind, readonly number[]>;
  /** Requests that were due while every client waited for an answer. They were not sent. */
  readonly skipped: number;
  /** Requests that the service refused with 503, because it was overloaded or had no database. */
  readonly shed: number;
  readonly unexpected: number;
}

export interface Traffic {
  /** Sends requests without pause, and returns the number of answers in a second. */
  runClosed(seconds: number): Promise<number>;
  /** Sends requests at this rate until the signal. Resolves when all are answered. */
  runOpen(perSecond: number, signal: AbortSignal): Promise<void>;
  /** Ends the current window and begins the next one. */
  takeWindow(): Window;
  close(): void;
}

/** Milliseconds between two checks for requests that are due. */
const TICK = 5;
/** The maximum number of unexpected answers that are printed for each window. */
const MAX_PRINTED = 5;

interface Client {
  readonly number: number;
  connection: Connection;
  steps: ReturnType<typeof sessionSteps>;
  step: ReturnType<ReturnType<typeof sessionSteps>['next']>['value'];
}

export async function openTraffic(target: Target, count: number): Promise<Traffic> {
  const clients = await Promise.all(Array.from({ length: count }, (_, number) => openClient(target, number)));
  let window = emptyWindow();
  return {
    async runClosed(seconds) {
      const end = performance.now() + 1_000 * seconds;
      const before = window.answered;
      const work = async (client: Client) => {
        while (performance.now() < end) await send(client, performance.now());
      };
      await Promise.all(clients.map(work));
      return (window.answered - before) / seconds;
    },

    async runOpen(perSecond, signal) {
      const free = [...clients];
      const started = performance.now();
      for (let due = 0; !signal.aborted; await sleep(TICK)) {
        for (; due < ((performance.now() - started) / 1_000) * perSecond; due += 1) {
          const client = free.shift();
          if (client === undefined) window.skipped += 1;
          else void send(client, started + (1_000 * due) / perSecond).then(() => free.push(client));
        }
      }
      while (free.length < clients.length) await sleep(TICK);
    },

    takeWindow() {
      const taken = window;
      window = emptyWindow();
      return taken;
    },

    close() {
      for (const { connection } of clients) connection.close();
    },
  };

  /** Never rejects: after a refusal or an unexpected answer the client begins a new session. */
  async function send(client: Client, due: number): Promise<void> {
    const { kind, request, expected } = client.step;
    try {
      const { status, body } = await client.connection.ask(request);
      if (status === 503) {
        window.shed += 1;
        return await beginAgain(client);
      }
      if (status !== expected) throw new Error(`${status} instead of ${expected}: ${body.slice(0, 200)}`);
      window.answered += 1;
      const times = window.times.get(kind) ?? [];
      window.times.set(kind, times);
      times.push(performance.now() - due);
      client.step = client.steps.next({ status, body }).value;
    } catch (error) {
      window.unexpected += 1;
      if (window.unexpected <= MAX_PRINTED) process.stderr.write(`${kind}: ${error}\n`);
      await beginAgain(client);
    }
  }

  async function beginAgain(client: Client): Promise<void> {
    client.connection.close();
    Object.assign(client, await openClient(target, client.number));
  }
}

async function openClient(target: Target, number: number): Promise<Client> {
  const connection = await openConnection(target.url);
  const steps = sessionSteps(target, number);
  return { number, connection, steps, step: steps.next().value };
}

function emptyWindow() {
  return { answered: 0, times: new Map<Kind, number[]>(), skipped: 0, shed: 0, unexpected: 0 };
}
