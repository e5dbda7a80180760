import { randomUUID } from 'node:crypto';
import type { Test } from 'tap';
import type { Sql } from '../../../src/adapters/postgres/connect.ts';
import { type Answer, browser, cookiesOf } from '../../support/browser.ts';
import { FOREIGN_SITES, foreignOrigins, ownPages } from '../../support/foreign-pages.ts';
import { claimsOf } from '../../support/forge.ts';
import {
  assertUnchanged,
  databaseTest,
  outboxLinesOf,
  outcomeOf,
  revokedFamilies,
  serviceOnDatabase,
} from '../../support/service-on-database.ts';

const LOGIN = '/api/v1/auth/login';
const REFRESH = '/api/v1/auth/refresh';

/** Starts the service. `openInBrowser` opens a session at the door in a browser of its own. */
async function attackedDoor(t: Test, sql: Sql) {
  const service = await serviceOnDatabase(t, sql, { http: { trustProxy: ['127.0.0.1'] } });
  const openInBrowser = async () => {
    const own = browser(service.url);
    const { text } = await own.ask('POST', LOGIN, { json: { guid: randomUUID() } });
    const { access_token, refresh_token } = JSON.parse(text);
    return {
      ...own,
      session_id: String(claimsOf(access_token).session_id),
      refresh_token: String(refresh_token),
    };
  };
  const assertRefused = async (name: string, wanted: string, request: () => Promise<Answer>) =>
    t.equal(resultOf(await assertUnchanged(t, sql, request, name)), wanted, name);
  return { service, openInBrowser, assertRefused };
}

const resultOf = ({ status, text }: Answer) =>
  outcomeOf({ status, body: text === '' ? {} : JSON.parse(text) });

type User = Awaited<ReturnType<Awaited<ReturnType<typeof attackedDoor>>['openInBrowser']>>;

/** Asserts that the session of the browser is still live. */
async function assertLive(t: Test, { ask, session_id }: User): Promise<void> {
  t.equal((await ask('POST', REFRESH, { json: { session_id } })).status, 200, 'the session lives');
}

databaseTest('a session is refreshed only with its own refresh token', async (t, sql) => {
  const { service, openInBrowser, assertRefused } = await attackedDoor(t, sql);
  const [ann, bob] = [await openInBrowser(), await openInBrowser()];
  const { session_id } = ann;
  await assertRefused('another’s session id', '401 pair_mismatch', () =>
    bob.ask('POST', REFRESH, { json: { session_id } }),
  );
  await assertRefused('an unknown session id', '401 pair_mismatch', () =>
    bob.ask('POST', REFRESH, { json: { session_id: randomUUID() } }),
  );
  await assertRefused('the session id alone', '401 unauthenticated', () =>
    browser(service.url).ask('POST', REFRESH, { json: { session_id } }),
  );
  await assertLive(t, ann);
  await assertLive(t, bob);
});

databaseTest('a cookie that an attacker planted never replaces the session', async (t, sql) => {
  const { openInBrowser, assertRefused, service } = await attackedDoor(t, sql);
  const thief = await openInBrowser();
  const victim = browser(service.url);
  await victim.setCookie(`session_refresh=${thief.refresh_token}; Path=/api/v1/auth`, LOGIN);
  const { text } = await victim.ask('POST', LOGIN, { json: { guid: randomUUID() } });
  const session_id = String(claimsOf(JSON.parse(text).access_token).session_id);
  t.not(session_id, thief.session_id);
  const refreshed = await victim.ask('POST', REFRESH, { json: { session_id } });
  t.equal(claimsOf(JSON.parse(refreshed.text).access_token).session_id, session_id);

  await victim.setCookie(`session_refresh=${thief.refresh_token}; Path=${REFRESH}`, REFRESH);
  await assertRefused('planted beside the right one', '400 invalid_request', () =>
    victim.ask('POST', REFRESH, { json: { session_id } }),
  );
  await assertLive(t, thief);
});

databaseTest('requests of pages of other origins change nothing', async (t, sql) => {
  const { service, openInBrowser, assertRefused } = await attackedDoor(t, sql);
  const ann = await openInBrowser();
  const { session_id } = ann;
  const json = { session_id };
  await assertRefused('a cross-site request without the cookie', '401 unauthenticated', () =>
    ann.ask('POST', REFRESH, { json, headers: { 'sec-fetch-site': 'cross-site' }, crossSite: true }),
  );
  const foreign = [
    ...FOREIGN_SITES.map((site) => ({ 'sec-fetch-site': site })),
    ...foreignOrigins(service.url).map((origin) => ({ origin })),
  ];
  for (const headers of foreign) {
    const name = JSON.stringify(headers);
    await assertRefused(`a refresh by cookie, ${name}`, '403 forbidden', () =>
      ann.ask('POST', REFRESH, { json, headers }),
    );
    await assertRefused(`a login, ${name}`, '403 forbidden', () =>
      ann.ask('POST', LOGIN, { json: { guid: randomUUID() }, headers }),
    );
  }
  await assertLive(t, ann);
  for (const headers of ownPages(service.url))
    t.equal((await ann.ask('POST', REFRESH, { json, headers })).status, 200, JSON.stringify(headers));
});

databaseTest(
  'a page of another origin can refresh a token that it has, and sets no cookie',
  async (t, sql) => {
    const { service, openInBrowser } = await attackedDoor(t, sql);
    const [ann, mallory] = [await openInBrowser(), await openInBrowser()];
    let { session_id, refresh_token } = mallory;
    for (const site of FOREIGN_SITES) {
      const answer = await ann.ask('POST', REFRESH, {
        json: { session_id, refresh_token },
        headers: { 'sec-fetch-site': site },
      });
      t.equal(answer.status, 200, site);
      t.same(cookiesOf(answer), {}, site);
      ({ refresh_token } = JSON.parse(answer.text));
    }
    const headers = { origin: service.url };
    const own = await ann.ask('POST', REFRESH, { json: { session_id, refresh_token }, headers });
    ({ refresh_token } = JSON.parse(own.text));
    t.equal(cookiesOf(own).session_refresh?.value, refresh_token, 'a page of this origin gets the cookie');
  },
);

databaseTest('a replayed refresh token ends only its own session', async (t, sql) => {
  const { openInBrowser } = await attackedDoor(t, sql);
  const [ann, bob] = [await openInBrowser(), await openInBrowser()];
  const { session_id, refresh_token } = ann;
  await assertLive(t, ann);
  const replay = () => ann.ask('POST', REFRESH, { json: { session_id, refresh_token } });
  t.equal(resultOf(await replay()), '401 token_reused');
  t.same(await revokedFamilies(sql), [session_id]);
  const recorded = await outboxLinesOf(sql, Buffer.from(refresh_token, 'base64').toString());
  t.equal(resultOf(await assertUnchanged(t, sql, replay, 'again')), '401 token_reused');
  t.same(recorded, [
    'event sessions.reuse_detected',
    'event sessions.started',
    'mail sessions.reuse_detected',
  ]);
  await assertLive(t, bob);
});

databaseTest('a session keeps the rules of its login when another door refreshes it', async (t, sql) => {
  const { openInBrowser, assertRefused, service } = await attackedDoor(t, sql);
  const ann = await openInBrowser();
  const paired = await service.open();
  const base64 = (token: string) => Buffer.from(token).toString('base64');
  const session_id = claimsOf(paired.refreshToken).tokenFamily;
  await assertRefused('half a pair', '401 pair_mismatch', () =>
    ann.ask('POST', REFRESH, { json: { session_id, refresh_token: base64(paired.refreshToken) } }),
  );
  t.equal((await service.post('/auth/refresh', paired)).status, 200);
  const refreshToken = Buffer.from(ann.refresh_token, 'base64').toString();
  const { status, body } = await service.post('/auth/refresh', { refreshToken });
  t.equal(status, 200, 'unpaired at the canonical door too');
  t.match(claimsOf(String(body.access)), { session_id: ann.session_id }, 'with the claims of its own door');
});

databaseTest('undocumented bodies are refused', async (t, sql) => {
  const { openInBrowser, assertRefused } = await attackedDoor(t, sql);
  const ann = await openInBrowser();
  const { session_id, refresh_token } = ann;
  const token = Buffer.from(refresh_token, 'base64').toString();
  const bodies: [string, string, unknown][] = [
    [LOGIN, '400 invalid_request', {}],
    [LOGIN, '400 invalid_request', { guid: 'ann' }],
    [LOGIN, '400 invalid_request', { guid: null }],
    [LOGIN, '400 invalid_request', { guid: [randomUUID()] }],
    [LOGIN, '400 invalid_request', { guid: randomUUID(), role: 'admin' }],
    [REFRESH, '400 invalid_request', {}],
    [REFRESH, '400 invalid_request', { refresh_token }],
    [REFRESH, '400 invalid_request', { session_id: 1, refresh_token }],
    [REFRESH, '400 invalid_request', { session_id, refresh_token: null }],
    [REFRESH, '400 invalid_request', { session_id, refresh_token, guid: randomUUID() }],
    [REFRESH, '400 malformed_token', { session_id, refresh_token: '' }],
    [REFRESH, '400 malformed_token', { session_id, refresh_token: token }],
    [REFRESH, '400 malformed_token', { session_id, refresh_token: `${refresh_token}=` }],
    [REFRESH, '400 malformed_token', { session_id, refresh_token: ` ${refresh_token}` }],
    [REFRESH, '400 malformed_token', { session_id, refresh_token: Buffer.from('x.y.z').toString('base64') }],
  ];
  for (const [path, wanted, json] of bodies) {
    await assertRefused(JSON.stringify(json).slice(0, 80), wanted, () => ann.ask('POST', path, { json }));
  }
  await assertRefused('two cookies', '400 invalid_request', () =>
    ann.ask('POST', REFRESH, {
      json: { session_id },
      headers: { cookie: `session_refresh=${refresh_token}; session_refresh=x` },
    }),
  );
  await assertLive(t, ann);
});
