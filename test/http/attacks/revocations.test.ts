import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import { NOW } from '../../support/families.ts';
import { SERVICE_KEY, startHttpService, VERIFY_KEY } from '../../support/http.ts';
import { rawConnection, rawRequest, sendRaw } from '../../support/raw-http.ts';
import { isReady, readRevocations } from '../../support/revocation-reader.ts';
import { outcomeOf } from '../../support/service-on-database.ts';

const UNTIL = NOW + 600_000;

t.test('a client without a key of scope verify does not learn which sessions end', async (t) => {
  const { send, revoked, logIn, adminKey } = await startHttpService(t);
  revoked.setComplete(true);
  const { access } = await logIn();
  const outcome = async (headers: Record<string, string>, path = '/revocations') =>
    outcomeOf(await send(path, { headers }));
  t.equal(await outcome({}), '401 unauthenticated');
  t.equal(await outcome({ authorization: `Bearer ${access}` }), '401 unauthenticated');
  t.equal(await outcome({ authorization: `Bearer ${VERIFY_KEY}` }), '401 unauthenticated');
  t.equal(await outcome({}, `/revocations?x-api-key=${VERIFY_KEY}`), '401 unauthenticated');
  t.equal(await outcome({ 'x-api-key': `${VERIFY_KEY}x` }), '401 unauthenticated');
  for (const key of [SERVICE_KEY, adminKey]) t.equal(await outcome({ 'x-api-key': key }), '403 forbidden');
  t.equal(revoked.followers(), 0);
});

t.test('HEAD also needs the key, and opens no stream', async (t) => {
  const { url, revoked } = await startHttpService(t);
  revoked.setComplete(true);
  const head = (...key: string[]) =>
    sendRaw(url, rawRequest('HEAD /revocations', ['Host: localhost', 'Connection: close', ...key]));
  t.equal((await head()).outcome, '401');
  const { text, outcome } = await head(`x-api-key: ${VERIFY_KEY}`);
  t.equal(outcome, '200');
  t.match(text, /content-type: text\/event-stream\r\n/);
  t.match(text, /\r\n\r\n$/, 'without a body');
  t.equal(revoked.followers(), 0);
});

t.test(
  'of a hundred connections only the permitted number get a stream, and the service answers other requests',
  async (t) => {
    const { url, revoked, send } = await startHttpService(t, { limits: { revocationConsumers: 10 } });
    revoked.setComplete(true);
    const readers = await Promise.all(Array.from({ length: 100 }, () => readRevocations(t, url, VERIFY_KEY)));
    t.equal(readers.filter(({ status }) => status === 200).length, 10);
    t.equal(readers.filter(({ status }) => status === 503).length, 90);
    t.equal(revoked.followers(), 10);
    t.equal((await send('/health/live')).status, 200);
  },
);

t.test(
  'a subscriber that never reads is disconnected, and does not delay the other subscribers',
  async (t) => {
    const { url, revoked } = await startHttpService(t);
    revoked.setComplete(true);
    const good = await readRevocations(t, url, VERIFY_KEY);
    await good.until(isReady);
    const socket = rawConnection(url);
    t.teardown(() => socket.destroy());
    socket.pause();
    await once(socket, 'connect');
    socket.write(rawRequest('GET /revocations', ['Host: localhost', `x-api-key: ${VERIFY_KEY}`]));
    while (revoked.followers() < 2) await delay(5);
    let sent = 0;
    // Fills the socket buffers. The service closes the connection when 256 KiB wait in its own memory.
    for (; revoked.followers() === 2 && sent < 1_000_000; sent += 100) {
      for (let index = 0; index < 100; index += 1)
        revoked.remember(`session-${sent + index}`, 'logout', UNTIL);
      await delay(0);
    }
    t.equal(revoked.followers(), 1, `cut after ${sent} sessions`);
    await good.until((event) => event.includes(`"session-${sent - 1}"`));
    t.equal(good.events.length, sent + 1, 'the other reader has every session');
  },
);
