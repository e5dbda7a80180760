import t from 'tap';
import { userKey } from '../../../src/adapters/postgres/user-key.ts';
import { startHttpService } from '../../support/http.ts';
import { postgresStores } from '../../support/open-stores.ts';
import { assertUnchanged, outcomeOf, refusal } from '../../support/service-on-database.ts';

const UUID = 'a8b1c9d2-0000-4000-8000-00000000000a';

/** Ids that every format refuses. */
const NO_IDS: Readonly<Record<string, string>> = {
  'an empty text': '',
  '129 characters': 'x'.repeat(129),
  '129 emoji': '🦊'.repeat(129),
  'a space': ' ',
  'a text with a space': 'auth0 123',
  'a text and a space': '42 ',
  'a no-break space': '4\u00a02',
  'an ideographic space': '4\u30002',
  'a line feed': '42\n',
  'a tab': '\t42',
  NUL: '\u0000',
  'a text with NUL': '4\u00002',
  'a control character of 8 bits': '4\u009b2',
  'a zero-width space': '4\u200b2',
  'a zero-width joiner': '4\u200d2',
  'a mark of direction': '4\u202e2',
  'a byte order mark': '\ufeff42',
  'a soft hyphen': '4\u00ad2',
  'a variation selector': '4\ufe0f2',
  'a filler of Hangul': '\u3164',
  'this folder': '.',
  'the folder above': '..',
};

/** Ids that only the format `text` accepts. */
const TEXTS: Readonly<Record<string, string>> = {
  'a number': '42',
  'a text with punctuation': 'auth0|123',
  'a UUID in braces': `{${UUID}}`,
  'a UUID without hyphens': UUID.replaceAll('-', ''),
  SQL: `'OR/**/1=1--`,
};

for (const [format, refused] of [
  ['uuid', { ...NO_IDS, ...TEXTS }],
  ['text', NO_IDS],
] as const)
  t.test(`with USER_ID_FORMAT=${format} an invalid user id changes nothing`, async (t) => {
    const stores = await postgresStores(t);
    if (stores === null) return;
    const { post, send, adminKey } = await startHttpService(t, { stores, http: { userIdFormat: format } });
    const key = { headers: { 'x-api-key': adminKey } };
    const json = { 'content-type': 'application/json' };
    for (const [name, id] of Object.entries(refused)) {
      const escaped = encodeURIComponent(id);
      const requests: Readonly<Record<string, () => ReturnType<typeof send>>> = {
        login: () => post(`/auth/login?userId=${escaped}`),
        'a front door': () => post('/api/v1/auth/login', { guid: id }),
        audit: () => send(`/admin/audit?user=${escaped}`, key),
        sessions: () => send(`/admin/sessions?userId=${escaped}`, key),
        ...(/^\.{0,2}$/.test(id)
          ? {} // a path cannot contain such a segment
          : {
              disable: () => send(`/admin/users/${escaped}/disabled`, { ...key, method: 'PUT' }),
              'end sessions': () => send(`/admin/users/${escaped}/sessions`, { ...key, method: 'DELETE' }),
              delete: () => send(`/admin/users/${escaped}`, { ...key, method: 'DELETE' }),
              claims: () =>
                send(`/admin/users/${escaped}/claims`, {
                  method: 'PUT',
                  headers: { ...key.headers, ...json },
                  body: '{"claims":{"admin":true}}',
                }),
            }),
      };
      for (const [route, request] of Object.entries(requests)) {
        const answer = await assertUnchanged(t, stores.sql, request, `${name}, ${route}`);
        t.equal(outcomeOf(answer), refusal.request, `${name}, ${route}`);
      }
    }
    const surrogate = await assertUnchanged(
      t,
      stores.sql,
      () => post('/api/v1/auth/login', '{"guid":"4\\ud8002"}'),
      'an unpaired surrogate',
    );
    t.equal(outcomeOf(surrogate), refusal.request);
    t.equal((await post(`/auth/login?userId=${UUID.toUpperCase()}`)).status, 200);
  });

t.test('a row is not returned if its user id does not belong to its key', async (t) => {
  const stores = await postgresStores(t);
  if (stores === null) return;
  const { send, adminKey, logIn } = await startHttpService(t, { stores, http: { userIdFormat: 'text' } });
  const pair = await logIn({ userId: 'mallory' });
  const mine = await logIn({ userId: 'ann' });
  await stores.sql`update token_families set user_id = ${userKey('ann')} where user_id = ${userKey('mallory')}`;
  const headers = { authorization: `Bearer ${mine.access}` };
  const listed = await send('/auth/sessions', { headers });
  t.equal((listed.body.items as object[]).length, 1, 'only the own session');
  const asAnn = await send('/admin/sessions?userId=ann&state=all', { headers: { 'x-api-key': adminKey } });
  t.equal((asAnn.body.items as object[]).length, 1);
  const { access } = pair;
  t.equal(
    (await send('/auth/me', { headers: { authorization: `Bearer ${access}` } })).status,
    200,
    'the token is accepted for its own user',
  );
});
