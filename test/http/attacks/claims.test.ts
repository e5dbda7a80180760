import type { Test } from 'tap';
import type { Sql } from '../../../src/adapters/postgres/connect.ts';
import { type Changes, claimsOf, modifyToken, resignToken } from '../../support/forge.ts';
import {
  assertRefreshable,
  assertRefused,
  databaseTest,
  refusal,
  serviceOnDatabase,
} from '../../support/service-on-database.ts';

const HOUR = 3_600_000;
const ID = '11111111-1111-4111-8111-111111111111';

/** A session, and functions that change the claims of one of its tokens and sign the token again. */
async function victim(t: Test, sql: Sql) {
  const service = await serviceOnDatabase(t, sql);
  const pair = await service.open();
  const now = Math.floor(service.time.now / 1000);
  const refresh = (changes: Changes) => ({
    ...pair,
    refreshToken: modifyToken(pair.refreshToken, changes, service.sign.refresh),
  });
  const access = (changes: Changes) => ({
    ...pair,
    accessToken: modifyToken(pair.accessToken, changes, service.sign.access),
  });
  return { service, pair, now, refresh, access };
}

/** Replaces the value of a claim by JSON text that JSON.stringify cannot write. */
const written = (claim: string, value: string): Changes => ({
  text: (json) => json.replace(new RegExp(`"${claim}":("[^"]*"|[^,}]*)`), `"${claim}":${value}`),
});

const claim = (name: string, value: unknown): Changes => ({ claims: { [name]: value } });

databaseTest('a refresh token with wrong times is refused', async (t, sql) => {
  const { service, pair, now, refresh } = await victim(t, sql);
  await assertRefused(t, service, refusal.expired, {
    'exp this very second': refresh(claim('exp', now)),
    'exp a second ago': refresh(claim('exp', now - 1)),
    'exp an hour ago': refresh(claim('exp', now - 3600)),
    'exp 0': refresh(claim('exp', 0)),
  });
  await assertRefused(t, service, refusal.malformed, {
    'exp missing': refresh(claim('exp', undefined)),
    'exp as text': refresh(claim('exp', String(now + 3600))),
    'exp as a date': refresh(claim('exp', '2099-01-01T00:00:00Z')),
    'exp null': refresh(claim('exp', null)),
    'exp in an array': refresh(claim('exp', [now + 3600])),
    'exp 1e400': refresh(written('exp', '1e400')),
    'exp 2^53': refresh(claim('exp', 2 ** 53)),
    'exp negative': refresh(claim('exp', -1)),
    'exp fractional': refresh(claim('exp', now + 0.5)),
    'iat missing': refresh(claim('iat', undefined)),
    'iat as text': refresh(claim('iat', String(now))),
    'iat 1e400': refresh(written('iat', '1e400')),
    'iat negative': refresh(claim('iat', -1)),
  });
  await assertRefreshable(t, service, pair);
});

databaseTest('a refresh token is refused from the second of its exp on', async (t, sql) => {
  const { service, pair } = await victim(t, sql);
  const expires = Number(claimsOf(pair.refreshToken).exp) * 1000;
  service.time.now = expires;
  await assertRefused(t, service, refusal.expired, { 'at its exp': pair });
  service.time.now = expires - 1;
  await assertRefreshable(t, service, pair);
});

databaseTest('a clock that was set back ends no session', async (t, sql) => {
  const { service, pair } = await victim(t, sql);
  service.time.now -= 24 * HOUR;
  await assertRefreshable(t, service, pair);
});

databaseTest('issuer and audience must match exactly', async (t, sql) => {
  const { service, pair, refresh } = await victim(t, sql);
  const values: readonly unknown[] = [
    undefined,
    null,
    '',
    'Kinship',
    'kinship ',
    'kinship/',
    'https://evil.example',
    ['kinship'],
    ['kinship', 'evil'],
    { kinship: true },
    0,
    true,
  ];
  const cases = ['iss', 'aud'].flatMap((name) =>
    values.map((value) => [`${name} ${JSON.stringify(value)}`, refresh(claim(name, value))]),
  );
  await assertRefused(t, service, refusal.invalid, Object.fromEntries(cases));
  await assertRefreshable(t, service, pair);
});

databaseTest('a refresh token with other ids is refused', async (t, sql) => {
  const { service, pair, refresh } = await victim(t, sql);
  const wrong: Record<string, unknown> = {
    missing: undefined,
    null: null,
    'an object': { id: ID },
    'an array': [ID],
    'a number': 42,
    true: true,
    empty: '',
    'no UUID': 'admin',
    'a UUID in capitals': 'AAAAAAAA-1111-4111-8111-111111111111',
    'a UUID in braces': `{${ID}}`,
    'a UUID and a line feed': `${ID}\n`,
    'a UUID and SQL': `${ID}' OR 1=1 --`,
    'forty kilobytes': 'x'.repeat(40 * 1024),
  };
  const names = ['sub', 'jti', 'linkerId', 'tokenFamily'];
  // These texts are well-formed user ids. They are refused because the `linkerId` is derived from the user id, too.
  const users = ['no UUID', 'a UUID in braces'];
  const cases = names.flatMap((name) =>
    Object.entries(wrong)
      .filter(([what]) => name !== 'sub' || !users.includes(what))
      .map(([what, value]) => [`${name}: ${what}`, refresh(claim(name, value))]),
  );
  await assertRefused(t, service, refusal.malformed, Object.fromEntries(cases));
  const others = users.map((what) => [`sub: ${what}`, refresh(claim('sub', wrong[what]))]);
  await assertRefused(t, service, refusal.invalid, Object.fromEntries(others));
  await assertRefused(
    t,
    service,
    refusal.invalid,
    Object.fromEntries(names.slice(0, 2).map((name) => [`${name} of another`, refresh(claim(name, ID))])),
  );
  await assertRefused(t, service, refusal.invalid, { 'another session': refresh(claim('tokenFamily', ID)) });
  await assertRefreshable(t, service, pair);
});

databaseTest('a refresh token with an invalid generation, userIp or at_hash is refused', async (t, sql) => {
  const { service, pair, refresh } = await victim(t, sql);
  const malformed: readonly unknown[] = [
    -1,
    0.5,
    2 ** 53,
    2 ** 31 - 1,
    2 ** 31,
    '0',
    null,
    undefined,
    [0],
    {},
    true,
  ];
  await assertRefused(t, service, refusal.malformed, {
    ...Object.fromEntries(
      malformed.map((value) => [`generation ${JSON.stringify(value)}`, refresh(claim('generation', value))]),
    ),
    'generation 1e400': refresh(written('generation', '1e400')),
    'generation -0.1': refresh(written('generation', '-1e-1')),
    'userIp missing': refresh(claim('userIp', undefined)),
    'userIp an object': refresh(claim('userIp', {})),
    'userIp of 101 characters': refresh(claim('userIp', '1'.repeat(101))),
    'at_hash null': refresh(claim('at_hash', null)),
    'at_hash an object': refresh(claim('at_hash', {})),
  });
  await assertRefused(t, service, refusal.invalid, {
    'the next generation': refresh(claim('generation', 1)),
    'the last generation that there can be': refresh(claim('generation', 2 ** 31 - 2)),
  });
  await assertRefreshable(t, service, pair);
});

databaseTest('an access token with changed claims is refused', async (t, sql) => {
  const { service, pair, now, access } = await victim(t, sql);
  // The key is the right one, but the refresh token names the hash of the access token that was issued with it.
  await assertRefused(t, service, refusal.invalid, {
    'exp put off': access(claim('exp', now + 365 * 86_400)),
    'exp missing': access(claim('exp', undefined)),
    'exp 1e400': access(written('exp', '1e400')),
    'nbf in the future': access(claim('nbf', now + 3600)),
    'iat in the future': access(claim('iat', now + 3600)),
    'another issuer': access(claim('iss', 'https://evil.example')),
    'an array of audiences': access(claim('aud', ['kinship', 'evil'])),
    'another user': access({ claims: { sub: ID, userId: ID } }),
    'another client': access(claim('client_id', 'admin')),
    'a role more': access(claim('role', 'admin')),
    'its members in another order': access({
      text: (json) => JSON.stringify(Object.fromEntries(Object.entries(JSON.parse(json)).reverse())),
    }),
    'a blank in its JSON': access({ text: (json) => json.replace('{', '{ ') }),
  });
  await assertRefused(t, service, refusal.mismatch, {
    'another linkerId': access(claim('linkerId', ID)),
  });
  const names = ['linkerId', 'sid'];
  const shapes = [undefined, null, 42, {}, [ID], '', 'admin', 'x'.repeat(40 * 1024)];
  const misshapen = names.flatMap((name) =>
    shapes.map((value, index) => [`${name}, shape ${index}`, access(claim(name, value))]),
  );
  await assertRefused(t, service, refusal.malformed, Object.fromEntries(misshapen));
  await assertRefreshable(t, service, {
    ...pair,
    accessToken: resignToken(pair.accessToken, service.sign.access),
  });
});

databaseTest('a pair with an expired access token is refreshed', async (t, sql) => {
  const { service, pair } = await victim(t, sql);
  service.time.now = Number(claimsOf(pair.accessToken).exp) * 1000 + HOUR;
  const second = await service.next(pair);
  t.ok(Number(claimsOf(second.accessToken).exp) * 1000 > service.time.now, 'and gets a valid access token');
  await assertRefreshable(t, service, second);
});
