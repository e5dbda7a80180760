import { randomUUID } from 'node:crypto';
import type { Test } from 'tap';
import type { Sql } from '../../../src/adapters/postgres/connect.ts';
import { type Answer, type Browser, browser, cookiesOf } from '../../support/browser.ts';
import { FOREIGN_SITES, foreignOrigins, ownPages } from '../../support/foreign-pages.ts';
import { claimsOf } from '../../support/forge.ts';
import {
  assertUnchanged,
  databaseTest,
  outboxLinesOf,
  revokedFamilies,
  serviceOnDatabase,
} from '../../support/service-on-database.ts';

const FAR = { 'x-forwarded-for': '203.0.113.7' };

/** Starts the service. `openInBrowser` opens a session at the door in a browser of its own. */
async function attackedDoor(t: Test, sql: Sql) {
  const service = await serviceOnDatabase(t, sql, { http: { trustProxy: ['127.0.0.1'] } });
  const openInBrowser = async (own: Browser = browser(service.url)) => {
    const opened = await own.ask('GET', `/${randomUUID()}`);
    const { access_token, refresh_token } = cookiesOf(opened);
    const pair = { accessToken: access_token?.value ?? '', refreshToken: refresh_token?.value ?? '' };
    return { ...own, ...pair, family: String(claimsOf(pair.refreshToken).tokenFamily) };
  };
  const assertRefused = async (name: string, wanted: string, request: () => Promise<Answer>) => {
    const answer = await assertUnchanged(t, sql, request, name);
    t.equal(resultOf(answer), wanted, name);
    t.same(cookiesOf(answer), {}, name);
  };
  return { service, openInBrowser, assertRefused };
}

const resultOf = ({ status, text }: Answer) => (text === '' ? String(status) : `${status} ${text}`);

/** Asserts that the session of the browser is still live. Returns its id. */
async function assertLive(t: Test, { ask }: Pick<Browser, 'ask'>): Promise<unknown> {
  const answer = await ask('GET', '/refresh');
  t.equal(resultOf(answer), '200', 'the session lives');
  return claimsOf(cookiesOf(answer).refresh_token?.value ?? '').tokenFamily;
}

databaseTest('cross-origin requests change nothing', async (t, sql) => {
  const { service, openInBrowser, assertRefused } = await attackedDoor(t, sql);
  const ann = await openInBrowser();
  const paths = ['/refresh', `/${randomUUID()}`];
  for (const site of FOREIGN_SITES) {
    for (const path of paths)
      await assertRefused(`${path}, ${site}`, '403 Not valid token', () =>
        ann.ask('GET', path, { headers: { 'sec-fetch-site': site } }),
      );
  }
  await assertRefused('without the cookies', '403 Not valid token', () =>
    ann.ask('GET', '/refresh', { headers: { 'sec-fetch-site': 'cross-site' }, crossSite: true }),
  );
  for (const origin of foreignOrigins(service.url)) {
    for (const path of paths) {
      await assertRefused(`${path} of an older browser, ${origin}`, '403 Not valid token', () =>
        ann.ask('GET', path, { headers: { origin } }),
      );
    }
  }
  await assertRefused(
    'a browser that does not name the site sends no cookies',
    '401 Access token is missing',
    () => ann.ask('GET', '/refresh', { crossSite: true }),
  );
  t.equal(await assertLive(t, ann), ann.family);
  for (const headers of ownPages(service.url)) {
    const answer = await ann.ask('GET', '/refresh', { headers });
    t.equal(
      resultOf(answer),
      '200',
      `${JSON.stringify(headers)}: a page of the service's own origin, or the user`,
    );
  }
});

databaseTest('cookies that an attacker planted never replace the session', async (t, sql) => {
  const { service, openInBrowser, assertRefused } = await attackedDoor(t, sql);
  const thief = await openInBrowser();
  const victim = browser(service.url);
  await victim.setCookie(`access_token=${thief.accessToken}; Path=/`);
  await victim.setCookie(`refresh_token=${thief.refreshToken}; Path=/`);
  const { family } = await openInBrowser(victim);
  t.not(family, thief.family);
  t.equal(await assertLive(t, victim), family);

  await victim.setCookie(`access_token=${thief.accessToken}; Path=/refresh`);
  await victim.setCookie(`refresh_token=${thief.refreshToken}; Path=/refresh`);
  await assertRefused('planted beside the right ones', '400 Wrong data structure', () =>
    victim.ask('GET', '/refresh'),
  );
  t.equal(await assertLive(t, thief), thief.family);
});

databaseTest('a replayed pair ends only its own session', async (t, sql) => {
  const { openInBrowser, assertRefused } = await attackedDoor(t, sql);
  const [ann, bob] = [await openInBrowser(), await openInBrowser()];
  await assertLive(t, ann);
  const headers = { cookie: `access_token=${ann.accessToken}; refresh_token=${ann.refreshToken}`, ...FAR };
  const replay = () => ann.ask('GET', '/refresh', { headers });
  t.equal(resultOf(await replay()), '401 Token used before', 'from elsewhere, too');
  t.same(await revokedFamilies(sql), [ann.family]);
  await assertRefused('again', '401 Token used before', replay);
  await assertRefused('the current one', '401 Not valid token', () => ann.ask('GET', '/refresh'));
  t.match(await outboxLinesOf(sql, ann.refreshToken), [
    'event sessions.reuse_detected',
    'event sessions.started',
    'mail sessions.reuse_detected',
  ]);
  t.equal(await assertLive(t, bob), bob.family);
});

databaseTest(
  'sessions of this door refuse other networks also when another door refreshes them',
  async (t, sql) => {
    const { service, openInBrowser, assertRefused } = await attackedDoor(t, sql);
    const ann = await openInBrowser();
    const moved = await ann.ask('GET', '/refresh', { headers: FAR });
    t.equal(resultOf(moved), "401 You're location is blocked");
    const { accessToken, refreshToken } = ann;
    const canonical = () => service.post('/auth/refresh', { accessToken, refreshToken }, FAR);
    const answer = await assertUnchanged(
      t,
      sql,
      canonical,
      'a second request from this network on the same day',
    );
    t.match(answer, { status: 401, body: { code: 'address_changed' } });
    t.same(await outboxLinesOf(sql, refreshToken), [
      'event sessions.address_changed',
      'event sessions.started',
      'mail sessions.address_changed',
    ]);
    const alone = await assertUnchanged(
      t,
      sql,
      () => service.post('/auth/refresh', { refreshToken }),
      'half a pair',
    );
    t.match(alone, { status: 401, body: { code: 'pair_mismatch' } });
    t.same(await revokedFamilies(sql), []);
    t.equal(await assertLive(t, ann), ann.family);

    const moving = await service.open();
    const headers = {
      cookie: `access_token=${moving.accessToken}; refresh_token=${moving.refreshToken}`,
    };
    const refreshed = await browser(service.url, FAR).ask('GET', '/refresh', { headers });
    t.equal(resultOf(refreshed), '200', 'a session of the canonical door may move');
    await assertRefused('without cookies', '401 Access token is missing', () =>
      browser(service.url).ask('GET', '/refresh'),
    );
  },
);

databaseTest(
  'while the database is down, the answer to a refresh is 503 with Retry-After, and reveals nothing else',
  async (t, sql) => {
    const { openInBrowser } = await attackedDoor(t, sql);
    const ann = await openInBrowser();
    await sql.end();
    const answer = await ann.ask('GET', '/refresh');
    t.equal(resultOf(answer), '503 Unavailable');
    t.ok(answer.headers.has('retry-after'));
  },
);
