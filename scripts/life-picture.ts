/**
 * `npm run picture`: simulates the theft of a refresh token, reads the events of the session from the admin API, and
 * writes docs/images/theft.svg. The script sets the clock of the service.
 */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { drawLife } from '../console/src/picture/draw-life.ts';
import { renderSvg, svg } from '../console/src/picture/svg.ts';
import { describeUserAgent } from '../src/adapters/http/server/describe-user-agent.ts';
import { createLog } from '../src/adapters/telemetry/log.ts';
import { compose } from '../src/compose.ts';
import { readConfig } from '../src/config.ts';
import type { LifeEvent, LifeSession } from '../src/domain/life/life.ts';
import { readLife } from '../src/domain/life/read-life.ts';

const TARGET = new URL('../docs/images/theft.svg', import.meta.url);
const STYLE = new URL('../console/src/picture/picture.css', import.meta.url);
const WIDTH = 1080;

const KEY = 'a-key-that-lives-as-long-as-this-script';
const USER = '6f1f5f0e-6c1f-4b9a-9a53-0d0b4f5d3c11';
const HOUR = 3_600_000;

const HOME = {
  address: '192.0.2.7',
  agent:
    'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15',
};
const OFFICE = {
  address: '203.0.113.20',
  agent: 'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0',
};
const THIEF = { address: '198.51.100.14', agent: 'curl/8.5.0' };

interface Pair {
  readonly access: string;
  readonly refresh: string;
}

const folder = await mkdtemp(join(tmpdir(), 'kinship-picture-'));
const time = { now: Date.parse('2026-11-21T09:14:02.000Z') };
const service = await startService();
try {
  const sessionId = await playTheft();
  const events = await readEvents(`/admin/sessions/${sessionId}/events?limit=100`);
  const life = readLife(events.session, events.data, time.now, describeUserAgent);
  await mkdir(new URL('.', TARGET), { recursive: true });
  await writeFile(TARGET, await formatFile(drawLife(life, { width: WIDTH, heading: true })));
} finally {
  await service.close();
  await rm(folder, { recursive: true });
}

/** Starts the service on an embedded database. It trusts the `X-Forwarded-For` of this script. */
async function startService() {
  const config = await readConfig(
    {
      API_PORT: '0',
      DATA_DIR: folder,
      SERVICE_API_KEYS: `picture:login+admin:${KEY}`,
      TRUST_PROXY: '127.0.0.1',
      LOG_LEVEL: 'error',
    },
    folder,
  );
  let ids = 0;
  const newId = () => {
    ids += 1;
    return `e1f22c76-2f0c-4d3b-9a41-${ids.toString(16).padStart(12, '0')}`;
  };
  const composed = await compose(config, createLog('error'), { clock: () => time.now, newId });
  const { url } = await composed.listen();
  return { url, close: composed.close };
}

/**
 * A user refreshes at home and at work for some days. Then a thief presents a copy of an earlier token. Returns the id
 * of the session.
 */
async function playTheft(): Promise<string> {
  let pair = await send<Pair>(HOME, `/auth/login?userId=${USER}`);
  pair = await refreshRepeatedly(pair, HOME, 22, 3 * HOUR);
  pair = await refreshRepeatedly(pair, OFFICE, 9, HOUR);
  pair = await refreshRepeatedly(pair, HOME, 25, 2 * HOUR);
  const copied = pair;
  pair = await refreshRepeatedly(pair, HOME, 4, 2.4 * HOUR);
  time.now += 146_000;
  await refresh(copied, THIEF).then(
    () => Promise.reject(new Error('The replay was accepted.')),
    () => {},
  );
  const [, payload = ''] = pair.access.split('.');
  return JSON.parse(Buffer.from(payload, 'base64url').toString()).sid;
}

async function refreshRepeatedly(
  first: Pair,
  client: typeof HOME,
  times: number,
  every: number,
): Promise<Pair> {
  let pair = first;
  for (let count = 0; count < times; count += 1) {
    time.now += every;
    pair = await refresh(pair, client);
  }
  return pair;
}

function refresh({ access, refresh }: Pair, client: typeof HOME): Promise<Pair> {
  return send(client, '/auth/refresh', { refreshToken: refresh, accessToken: access });
}

async function send<Answer>(client: typeof HOME, path: string, body: object = {}): Promise<Answer> {
  const headers = {
    'content-type': 'application/json',
    'user-agent': client.agent,
    'x-forwarded-for': client.address,
    'x-api-key': KEY,
  };
  return answerOf(await fetch(service.url + path, { method: 'POST', headers, body: JSON.stringify(body) }));
}

async function readEvents(path: string): Promise<{ session: LifeSession; data: LifeEvent[] }> {
  return answerOf(await fetch(service.url + path, { headers: { 'x-api-key': KEY } }));
}

async function answerOf<Answer>(response: Response): Promise<Answer> {
  const text = await response.text();
  if (!response.ok) throw new Error(`The service answered ${response.status}: ${text}`);
  return JSON.parse(text);
}

/** Formats the picture as a file, which contains its own style. */
async function formatFile(picture: ReturnType<typeof drawLife>): Promise<string> {
  const style = svg('style', {}, await readFile(STYLE, 'utf8'));
  return `${renderSvg({ ...picture, children: [style, ...picture.children] })}\n`;
}
