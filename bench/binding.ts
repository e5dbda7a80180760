/**
 * Measures what a DPoP proof costs at a refresh, and what a verified request costs compared with one that checks
 * nothing. The refreshes run in this process without network and database, the requests against Fastify in a process of
 * its own.
 */
import { fork } from 'node:child_process';
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { availableParallelism, cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { SignJWT } from 'jose';
import { athOf, proofKey, proofOf } from '../test/support/dpop.ts';
import { REFRESH_REQUEST, sessionUseCases } from '../test/support/sessions.ts';
import { openConnection } from './load/connection.ts';

const ROUNDS = 5;
/** Operations of one round. */
const REFRESHES = 1_500;
const REQUESTS = 4_000;
const CONNECTIONS = 16;

interface Rate {
  readonly perSecond: number;
  /** Microseconds of CPU time for one operation. */
  readonly cpu: number;
}

const key = proofKey();

/** Proofs are made before the measurement, because the client makes them. */
function makeProofs(count: number, method: string, url: string, now: number, token?: string): string[] {
  const payload = token === undefined ? {} : { ath: athOf(token) };
  return Array.from({ length: count }, () => proofOf(key, method, url, now, { payload }));
}

async function measureRefreshes(isBound: boolean): Promise<Rate> {
  const service = await sessionUseCases();
  const { method, url } = REFRESH_REQUEST;
  const proofs = isBound ? makeProofs(REFRESHES, method, url, service.time.now) : [];
  let pair = await service.logIn(isBound ? { dpopJkt: key.jkt } : {});
  const [before, started] = [process.cpuUsage(), performance.now()];
  for (let count = 0; count < REFRESHES; count += 1) {
    const proof = proofs[count];
    pair = await service.refresh(pair, proof === undefined ? {} : { proof });
  }
  const { user, system } = process.cpuUsage(before);
  return { perSecond: (1_000 * REFRESHES) / (performance.now() - started), cpu: (user + system) / REFRESHES };
}

const issuer = generateKeyPairSync('ed25519');
const program = fileURLToPath(new URL('./load/resource-server.ts', import.meta.url));
const jwk = { ...issuer.publicKey.export({ format: 'jwk' }), kid: '1', alg: 'EdDSA', use: 'sig' };
const server = fork(program, [JSON.stringify({ keys: [jwk] })]);
const [url] = (await once(server, 'message')) as [string];

async function tokenOf(cnf?: object): Promise<string> {
  const now = Math.floor(Date.now() / 1_000);
  const claims = {
    iss: 'kinship',
    aud: 'kinship',
    sub: randomUUID(),
    sid: randomUUID(),
    iat: now,
    exp: now + 900,
  };
  return new SignJWT({ ...claims, ...(cnf && { cnf }) })
    .setProtectedHeader({ alg: 'EdDSA', kid: '1', typ: 'at+jwt' })
    .sign(issuer.privateKey);
}

const bearer = await tokenOf();
const bound = await tokenOf({ jkt: key.jkt });

async function serverCpu(): Promise<number> {
  server.send('cpu');
  const [{ user, system }] = (await once(server, 'message')) as [NodeJS.CpuUsage];
  return user + system;
}

async function measureRequests(
  path: string,
  headersOf: (index: number) => Record<string, string>,
): Promise<Rate> {
  const connections = await Promise.all(Array.from({ length: CONNECTIONS }, () => openConnection(url)));
  let next = 0;
  const [before, started] = [await serverCpu(), performance.now()];
  await Promise.all(
    connections.map(async ({ ask, close }) => {
      for (; next < REQUESTS; ) {
        const { status } = await ask({ method: 'GET', path, headers: headersOf(next++) });
        if (status !== 200) throw new Error(`${path} was answered with ${status}`);
      }
      close();
    }),
  );
  const elapsed = performance.now() - started;
  return { perSecond: (1_000 * REQUESTS) / elapsed, cpu: ((await serverCpu()) - before) / REQUESTS };
}

const kinds: Record<string, () => Promise<Rate>> = {
  'refresh, unbound': () => measureRefreshes(false),
  'refresh, with a proof': () => measureRefreshes(true),
  'request, nothing is checked': () => measureRequests('/open', () => ({})),
  'request, bearer token': () => measureRequests('/me', () => ({ authorization: `Bearer ${bearer}` })),
  'request, DPoP': () => {
    const proofs = makeProofs(REQUESTS, 'GET', `${url}/me`, Date.now(), bound);
    return measureRequests('/me', (index) => ({ authorization: `DPoP ${bound}`, dpop: proofs[index] ?? '' }));
  },
};

// The kinds take turns, so that other load affects all of them equally. The first round warms up, then medians count.
const rates = new Map<string, Rate[]>(Object.keys(kinds).map((kind) => [kind, []]));
for (let round = 0; round <= ROUNDS; round += 1)
  for (const [kind, measure] of Object.entries(kinds)) {
    const rate = await measure();
    if (round > 0) rates.get(kind)?.push(rate);
  }
server.disconnect();

const median = (values: number[]) =>
  values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
console.log(`Node ${process.version}, ${availableParallelism()} × ${cpus()[0]?.model}`);
console.table(
  Object.fromEntries(
    [...rates].map(([kind, all]) => [
      kind,
      {
        'a second': Math.round(median(all.map(({ perSecond }) => perSecond))),
        'CPU, µs': Math.round(median(all.map(({ cpu }) => cpu))),
      },
    ]),
  ),
);
