import t from 'tap';
import { consoleService } from '../support/console.ts';
import { startHttpService } from '../support/http.ts';

t.test('only operators read the overview, by key or by cookie', async (t) => {
  const service = await consoleService(t);
  const { send, adminKey, operatorCookie, loginKey } = service;
  const cookie = await operatorCookie();
  for (const headers of [{ 'x-api-key': adminKey }, { cookie }]) {
    const { status, body } = await send('/admin/overview', { headers });
    t.equal(status, 200);
    t.match(body, { samples: [{ logins: 1, sessions: 1 }] });
    t.same([body.dependencies, body.keys], [[], []]);
  }
  for (const path of ['/admin/overview', '/admin/overview/stream']) {
    t.equal((await send(path)).status, 401);
    t.equal((await send(path, { headers: { 'x-api-key': loginKey } })).status, 403);
  }
});

t.test('a HEAD request opens no stream', async (t) => {
  let readings = 0;
  const readOverview = async () => {
    readings += 1;
    return { replica: 'one:3000', samples: [], dependencies: [], keys: [] };
  };
  const { send, adminKey } = await startHttpService(t, { http: { readOverview } });
  const headers = { 'x-api-key': adminKey };
  const { status } = await send('/admin/overview/stream', { method: 'HEAD', headers });
  t.equal(readings, 0, 'no stream reads the overview');
  t.equal(status, 200);
});

t.test('keys are shown with their times as far as known, and without their sealed part', async (t) => {
  const now = Date.UTC(2026, 0, 2);
  const key = { alg: 'EdDSA', number: 1, fault: null, sealed: 'a secret' } as const;
  const { send, adminKey } = await startHttpService(t, {
    http: {
      readOverview: async () => ({
        replica: 'one:3000',
        samples: [],
        dependencies: [{ name: 'redis', isUp: false }],
        keys: [
          { ...key, id: 'one', state: 'retired', announcedAt: now, signsFrom: now, publishedUntil: now },
          { ...key, id: 'two', state: 'signing', announcedAt: 0, signsFrom: 0, publishedUntil: Infinity },
        ],
      }),
    },
  });
  const { body } = await send('/admin/overview', { headers: { 'x-api-key': adminKey } });
  const at = '2026-01-02T00:00:00.000Z';
  t.same(body, {
    replica: 'one:3000',
    samples: [],
    dependencies: [{ name: 'redis', state: 'down' }],
    keys: [
      { id: 'one', alg: 'EdDSA', state: 'retired', announcedAt: at, signsFrom: at, publishedUntil: at },
      { id: 'two', alg: 'EdDSA', state: 'signing' },
    ],
  });
});

t.test(
  'a stream begins with the history, continues with newer samples, and ends when the service stops',
  async (t) => {
    const service = await startHttpService(t);
    const { url, adminKey, time, logIn, app } = service;
    const headers = { 'x-api-key': adminKey };
    await service.send('/admin/overview', { headers });
    time.now += 3_000;
    await logIn();
    const response = await fetch(new URL('/admin/overview/stream', url), { headers });
    t.match(response.headers.get('content-type'), /^text\/event-stream/);
    t.equal(response.headers.get('x-accel-buffering'), 'no');
    const reader = (response.body ?? new ReadableStream()).pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    const events = () => [...text.matchAll(/^data: (.*)\n\n/gm)].map(([, data = '']) => JSON.parse(data));
    while (events().length < 1) text += (await reader.read()).value ?? '';
    t.match(text, /^retry: 1000\n\n/);
    t.equal(events()[0].samples.length, 2, 'the earlier samples');
    time.now += 3_000;
    while (events().length < 2) text += (await reader.read()).value ?? '';
    t.equal(events()[1].samples.length, 1, 'only the newer sample');
    await app.close();
    t.equal((await reader.read()).done, true);
  },
);

t.test('a stream goes on after a failed reading, which is logged', async (t) => {
  let readings = 0;
  const { url, adminKey, lines } = await startHttpService(t, {
    http: {
      async readOverview() {
        readings += 1;
        if (readings === 1) throw new Error('a broken counter');
        return { replica: 'one:3000', samples: [], dependencies: [], keys: [] };
      },
    },
  });
  const stop = new AbortController();
  const headers = { 'x-api-key': adminKey };
  const response = await fetch(new URL('/admin/overview/stream', url), { headers, signal: stop.signal });
  const reader = (response.body ?? new ReadableStream()).pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  while (!text.includes('data:')) text += (await reader.read()).value ?? '';
  t.ok(lines.some((line) => line.includes('a broken counter')));
  stop.abort();
});
