import { randomUUID } from 'node:crypto';
import { mock } from 'node:test';
import t, { type Test } from 'tap';
import { createRevocationStream } from '../../src/adapters/http/operations/revocation-stream.ts';
import type { EndedSession, FollowRevocations } from '../../src/app/revocation/follow-revocations.ts';
import { NOW } from '../support/families.ts';
import { claimsOf } from '../support/forge.ts';
import { startHttpService, VERIFY_KEY } from '../support/http.ts';
import { isAbout, isReady, readRevocations } from '../support/revocation-reader.ts';
import { POLICY } from '../support/sessions.ts';

const UNTIL = NOW + POLICY.accessTokenAge + POLICY.clockSkew;

async function startService(t: Test, settings: Parameters<typeof startHttpService>[1] = {}) {
  const running = await startHttpService(t, settings);
  running.revoked.setComplete(true);
  return { ...running, read: () => readRevocations(t, running.url, VERIFY_KEY) };
}

t.test(
  'a stream begins with the ended sessions, then sends `ready`, then each session that ends',
  async (t) => {
    const { revoked, read, logIn, end } = await startService(t);
    revoked.remember('old', 'reuse', NOW - 1);
    revoked.remember('one', 'logout', UNTIL);
    const reader = await read();
    t.equal(reader.status, 200);
    t.equal(reader.headers.get('content-type'), 'text/event-stream');
    t.equal(reader.headers.get('cache-control'), 'no-store');
    t.equal(reader.headers.get('x-accel-buffering'), 'no');
    await reader.until(isReady);
    const one = `data: {"sid":"one","revokedAt":"${new Date(NOW).toISOString()}"}`;
    t.same(reader.events, [one, 'event: ready\ndata: {"accessTokenAge":900}']);

    const { access } = await logIn();
    const { sid, sub } = claimsOf(access);
    await end(String(sid), String(sub), 'logout');
    await reader.until(isAbout(String(sid)));
    t.equal(reader.events.at(-1), `data: {"sid":"${sid}","revokedAt":"${new Date(NOW).toISOString()}"}`);
    revoked.remember(String(sid), 'logout', UNTIL);
    revoked.remember('last', 'logout', UNTIL);
    await reader.until(isAbout('last'));
    t.equal(reader.events.length, 4, 'a revocation that arrives twice is sent once');
  },
);

t.test('a replica with an incomplete list refuses new streams and closes open ones', async (t) => {
  const { revoked, read, send } = await startService(t);
  const reader = await read();
  await reader.until(isReady);
  revoked.setComplete(false);
  t.equal(await reader.closed, 'ended');
  t.equal(revoked.followers(), 0);
  const refused = await send('/revocations', { headers: { 'x-api-key': VERIFY_KEY } });
  t.match(refused, { status: 503, body: { code: 'unavailable', recovery: 'retry' } });
  t.equal(refused.headers.get('retry-after'), '1');
  revoked.setComplete(true);
  await (await read()).until(isReady);
});

t.test('a stopping replica closes its streams', async (t) => {
  const { app, read } = await startService(t, { http: { limits: { drain: 0, finish: 60_000 } } });
  const reader = await read();
  await reader.until(isReady);
  await app.close();
  t.equal(await reader.closed, 'ended');
});

t.test('a stream that opens while the replica stops is closed at once', async (t) => {
  let open = () => {};
  let wasAsked = () => {};
  const asked = new Promise<void>((resolve) => {
    wasAsked = resolve;
  });
  let calls = 0;
  const followRevocations: FollowRevocations = async () => {
    calls += 1;
    if (calls === 2) {
      wasAsked();
      await new Promise<void>((resolve) => {
        open = resolve;
      });
    }
    return { ended: [][Symbol.iterator](), accessTokenAge: 900_000, stop() {} };
  };
  const { app, read } = await startService(t, {
    http: { followRevocations, limits: { drain: 0, finish: 60_000 } },
  });
  const first = await read();
  await first.until(isReady);
  const reading = read();
  await asked;
  const closing = app.close();
  t.equal(await first.closed, 'ended', 'the replica stops');
  open();
  t.equal(await (await reading).closed, 'ended');
  await closing;
});

t.test('a session that ends while a stream opens is in the stream once', async (t) => {
  const { revoked, read } = await startService(t);
  const { follow } = revoked;
  revoked.follow = (follower) => {
    const stop = follow(follower);
    queueMicrotask(() => revoked.remember('early', 'logout', UNTIL));
    return stop;
  };
  const reader = await read();
  await reader.until(isReady);
  t.equal(reader.events.filter(isAbout('early')).length, 1);
});

t.test('a stream that opens while the list becomes incomplete ends', async (t) => {
  const { revoked, read } = await startService(t);
  const { follow } = revoked;
  revoked.follow = (follower) => {
    const stop = follow(follower);
    queueMicrotask(() => revoked.setComplete(false));
    return stop;
  };
  t.equal(await (await read()).closed, 'ended');
});

t.test('a stream stays open beyond the deadline of answers', async (t) => {
  const { revoked, read } = await startService(t, { http: { limits: { handlerTimeout: 50 } } });
  const reader = await read();
  await reader.until(isReady);
  await new Promise((resolve) => setTimeout(resolve, 150));
  revoked.remember('late', 'logout', UNTIL);
  await reader.until(isAbout('late'));
  t.pass('sent');
});

t.test('consumers are counted, and a consumer beyond the limit is refused', async (t) => {
  const { read, send, revoked } = await startService(t, { limits: { revocationConsumers: 2 } });
  const [first] = [await read(), await read()];
  t.equal(revoked.followers(), 2);
  const refused = await send('/revocations', { headers: { 'x-api-key': VERIFY_KEY } });
  t.match(refused, { status: 503, body: { code: 'unavailable', detail: /REVOCATIONS_CONSUMERS/ } });
  first.disconnect();
  while (revoked.followers() === 2) await new Promise((resolve) => setTimeout(resolve, 5));
  t.equal((await read()).status, 200, 'the place is free again');
});

t.test('the body of a stream', async (t) => {
  mock.timers.enable({ apis: ['setInterval'] });
  t.teardown(() => mock.timers.reset());

  const open = (ended: Iterable<EndedSession>) => {
    let closes = 0;
    const onClose = () => {
      closes += 1;
    };
    const options = { accessTokenAge: 900_000, onClose };
    const stream = createRevocationStream({ ...options, ended: ended[Symbol.iterator]() });
    let error: Error | null = null;
    stream.body.on('error', (reason) => {
      error = reason;
    });
    return { ...stream, closes: () => closes, error: () => error };
  };
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  const some = (): EndedSession => ({ sid: randomUUID(), revokedAt: NOW });

  await t.test('contains a heartbeat every 15 seconds', async (t) => {
    const { body, closes } = open([]);
    let text = '';
    body.on('data', (chunk) => {
      text += chunk;
    });
    await turn();
    for (let beat = 0; beat < 3; beat += 1) {
      mock.timers.tick(15_000);
      await turn();
    }
    t.match(text, /^event: ready\ndata: .*\n\n(?:: heartbeat\n\n){3}$/);
    body.destroy();
    await turn();
    t.equal(closes(), 1);
  });

  await t.test('produces the ended sessions only as fast as they are read', async (t) => {
    let produced = 0;
    function* many() {
      for (; produced < 100_000; produced += 1) yield some();
    }
    const { body } = open(many());
    body.read(0);
    await turn();
    t.ok(produced < 2_000, `${produced} of 100,000 sessions wait for the reader`);
    let bytes = 0;
    for await (const chunk of body) {
      bytes += chunk.length;
      if (produced === 100_000 && body.readableLength === 0) break;
    }
    t.ok(bytes > 100_000 * 80, `${bytes} bytes`);
  });

  await t.test('is closed when too many bytes wait for its reader', async (t) => {
    const { body, send, closes, error } = open([]);
    body.read(0);
    await turn();
    let sent = 0;
    for (; sent < 10_000 && !body.destroyed; sent += 1) send(some());
    t.ok(sent > 1_000 && sent < 5_000, `${sent} sessions`);
    await turn();
    t.match(error(), { message: /too slow/ });
    t.equal(closes(), 1);
    send(some());
  });

  await t.test('ends at once when it is closed, even if its reader has read nothing', async (t) => {
    const { body, close, closes } = open([some(), some()]);
    body.read(0);
    await turn();
    t.ok(body.readableLength > 0);
    close();
    await turn();
    t.ok(body.destroyed);
    t.equal(closes(), 1);
  });

  await t.test('ends without an error if a session ends after it was closed', async (t) => {
    const { body, send, close, closes, error } = open([]);
    body.read(0);
    await turn();
    t.match(String(body.read()), /^event: ready/);
    close();
    send(some());
    t.equal(body.read(), null);
    await turn();
    t.equal(error(), null);
    t.equal(closes(), 1);
  });

  await t.test('is closed when its reader reads nothing between two heartbeats', async (t) => {
    const { body, closes } = open([some(), some()]);
    body.read(0);
    await turn();
    mock.timers.tick(15_000);
    t.notOk(body.destroyed);
    mock.timers.tick(15_000);
    t.ok(body.destroyed);
    await turn();
    t.equal(closes(), 1);
  });
});
