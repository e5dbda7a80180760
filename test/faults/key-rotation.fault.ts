import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { claimsOf, headerOf } from '../support/forge.ts';
import { requirePostgres, testDatabase } from '../support/postgres.ts';
import type { RunningService } from '../support/process.ts';
import { moduleArguments } from '../support/program.ts';
import { startBalancer } from './support/balancer.ts';
import { faultsIn } from './support/checks.ts';
import { type Client, openClient } from './support/client.ts';
import { startLoad, totals } from './support/load.ts';
import { createAgent } from './support/request.ts';
import { connectDirectly, environment, start } from './support/service.ts';

/** Signing keys rotate under load, and no verifier refuses a valid token. */

const ROTATIONS = 3;
const CLIENTS = 6;

/**
 * The next key is announced as soon as a key signs. The announcement takes 33 seconds, so a key signs that
 * long.
 */
const SHORT_LIVES = {
  ACCESS_TOKEN_ALG: 'EdDSA',
  ACCESS_TOKEN_AGE: '20s',
  KEY_SET_ROTATE_AFTER: '1s',
  KEY_SET_MAX_AGE: '1s',
  CLOCK_SKEW: '1s',
  KEY_SET_ENCRYPTION_KEY: 'the-same-for-both-of-them-0123456789-abcdefghij',
};

t.test('no valid token is refused while signing keys rotate under load', async (t) => {
  if (!(await requirePostgres(t))) return;
  const url = await testDatabase(t);
  const one = await environment(t, { DATABASE_URL: url, ...SHORT_LIVES });
  const { API_PORT = '' } = await environment(t);
  const replicas = await Promise.all([start(t, one), start(t, { ...one, API_PORT })]);
  const front = await startBalancer(
    t,
    replicas.map((replica) => new URL(replica.url)),
  );
  const agent = createAgent(t, { keepAlive: true });
  const clients = await Promise.all(Array.from({ length: CLIENTS }, () => openClient(front, agent)));
  const load = startLoad(clients, { pause: 500 });
  const checks = checkTokens(t, replicas, clients, () => openClient(front, agent));
  await checks.untilRotated(ROTATIONS);
  await load.stop();
  const { checked, spurious, rotations } = await checks.stop();

  t.strictSame(spurious, []);
  t.strictSame(await faultsIn(clients, connectDirectly(t, url), one), []);
  const { rotations: refreshes, forcedLogouts } = totals(clients);
  t.equal(forcedLogouts, 0);
  t.comment(
    `signing keys under load: ${rotations} rotations of keys, ${refreshes} refreshes, ${checked} requests and offline ` +
      `checks with good tokens, ${spurious.length} spurious 401, ${forcedLogouts} forced logouts`,
  );
});

/**
 * Verifies every client's token at each replica and offline, when it is new and once more before it expires.
 */
function checkTokens(
  t: Test,
  replicas: readonly RunningService[],
  clients: readonly Client[],
  logIn: () => Promise<Client>,
) {
  const kids = new Set<string>();
  const spurious: string[] = [];
  let checked = 0;
  const stopping = new AbortController();
  const offline = offlineVerifier(
    t,
    replicas.map(({ url }) => `${url}/.well-known/jwks.json`),
  );

  async function check(token: string): Promise<void> {
    kids.add(String(headerOf(token).kid));
    const verifiers = [...replicas.map((replica) => faultAt(replica, token)), offline(token)];
    for (const fault of await Promise.all(verifiers)) {
      checked += 1;
      // A token that expired during the check was refused correctly.
      if (fault !== null && secondsLeft(token) > 0) spurious.push(fault);
    }
  }

  async function keepChecking(client: () => Promise<Client>): Promise<void> {
    while (!stopping.signal.aborted) {
      const { access } = (await client()).pair();
      await check(access);
      await delay(Math.max(0, (secondsLeft(access) - 4) * 1000 * Math.random()), undefined, {
        signal: stopping.signal,
      }).catch(() => {});
      if (secondsLeft(access) > 1) await check(access);
    }
  }

  const running = Promise.all([
    ...clients.map((client) => keepChecking(async () => client)),
    keepChecking(logIn),
  ]);
  running.catch(() => {}); // `stop` rejects with the error
  return {
    async untilRotated(rotations: number) {
      while (kids.size <= rotations) await Promise.race([delay(200), running]);
    },
    async stop() {
      stopping.abort();
      await running;
      return { checked, spurious, rotations: kids.size - 1 };
    },
  };
}

function secondsLeft(token: string): number {
  return Number(claimsOf(token).exp) - Date.now() / 1000;
}

async function faultAt({ url }: RunningService, token: string): Promise<string | null> {
  const response = await fetch(`${url}/auth/verify`, { headers: { authorization: `Bearer ${token}` } });
  return response.status === 204 ? null : `${response.status} ${await response.text()}`;
}

/** Verifies tokens in a separate process that knows only the published keys. */
function offlineVerifier(t: Test, keySets: readonly string[]) {
  const child = spawn(
    process.execPath,
    [...moduleArguments('test/faults/support/offline-verifier.ts'), ...keySets],
    {
      stdio: ['pipe', 'pipe', 'inherit'],
    },
  );
  t.teardown(() => child.kill());
  const waiting = new Map<string, (fault: string | null) => void>();
  createInterface({ input: child.stdout }).on('line', (line) => {
    const { token, fault } = JSON.parse(line) as { token: string; fault: string | null };
    waiting.get(token)?.(fault);
    waiting.delete(token);
  });
  return (token: string) =>
    new Promise<string | null>((resolve) => {
      waiting.set(token, resolve);
      child.stdin.write(`${token}\n`);
    });
}
