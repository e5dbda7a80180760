import t, { type Test } from 'tap';
import { claimsOf } from '../support/forge.ts';
import { type HttpService, RESOURCE_KEY, startHttpService } from '../support/http.ts';
import { basic, postForm } from '../support/oauth.ts';
import { PASSWORD } from '../support/passwords.ts';

const USER = '6f1f5f0e-6c1f-4b9a-9a53-0d0b4f5d3c11';
const ann = { username: 'ann', email: 'ann@example.com', password: PASSWORD };

type Body = Readonly<Record<string, unknown>>;

const startWithAnn = async (t: Test) => {
  const service = await startHttpService(t);
  await service.post('/auth/register', ann);
  return service;
};

/** The members about the authentication, under the names of the claims. */
const pick = ({ auth_time, amr, acr }: Body) => ({ auth_time, amr, acr });

/** What the access token, introspection of both tokens and `/auth/me` say about the authentication. */
async function readAuthentications({ send }: Pick<HttpService, 'send'>, pair: Body): Promise<Body[]> {
  const client = basic('resource', RESOURCE_KEY);
  const introspect = async (token: unknown) =>
    pick((await postForm({ send }, '/oauth/introspect', { token: String(token) }, client)).body);
  const me = await send('/auth/me', { headers: { authorization: `Bearer ${pair.access}` } });
  return [
    pick(claimsOf(String(pair.access))),
    await introspect(pair.access),
    await introspect(pair.refresh),
    pick({ ...me.body, auth_time: me.body.authTime }),
  ];
}

const fourTimes = (value: unknown) => [value, value, value, value];

t.test(
  'tokens say when and how their user was authenticated, and a refresh does not change it',
  async (t) => {
    const service = await startWithAnn(t);
    const { post, time } = service;
    const now = Math.floor(time.now / 1000);
    for (const [name, login, expected] of [
      [
        'a password',
        ['', { username: 'ann', password: PASSWORD }],
        { auth_time: now, amr: ['pwd'], acr: 'aal1' },
      ],
      ['a service key', [`?userId=${USER}`], { auth_time: now, amr: undefined, acr: undefined }],
      [
        'a service key that states the authentication',
        [`?userId=${USER}&authTime=${now - 86_400}&amr=pwd%20otp%20mfa%20otp&acr=aal2`],
        { auth_time: now - 86_400, amr: ['pwd', 'otp', 'mfa'], acr: 'aal2' },
      ],
      [
        'a service key that states a part of the authentication',
        [`?userId=${USER}&acr=aal1`],
        { auth_time: now, amr: undefined, acr: 'aal1' },
      ],
      [
        'a service key whose clock is a bit ahead',
        [`?userId=${USER}&authTime=${now + 4}`],
        { auth_time: now, amr: undefined, acr: undefined },
      ],
    ] as const) {
      time.now = now * 1000 + 678;
      const [query, body] = login;
      const opened = await post(`/auth/login${query}`, body);
      t.equal(opened.status, 200, name);
      t.same(await readAuthentications(service, opened.body), fourTimes(expected), name);
      time.now += 60_000;
      const { access: accessToken, refresh: refreshToken } = opened.body;
      const { body: next } = await post('/auth/refresh', { accessToken, refreshToken });
      t.same(await readAuthentications(service, next), fourTimes(expected), `${name}: after a refresh`);
    }
  },
);

t.test('sessions of other doors have the time of their login as auth_time', async (t) => {
  const service = await startWithAnn(t);
  const now = Math.floor(service.time.now / 1000);
  const bySessionId = await service.post('/api/v1/auth/login', { guid: USER });
  t.match(claimsOf(String(bySessionId.body.access_token)), { auth_time: now, guid: USER });
  const byTaskApi = await service.post('/api/v1/login/', { username: 'ann', password: PASSWORD });
  t.match(claimsOf(String(byTaskApi.body.access)), { auth_time: now, amr: ['pwd'], acr: 'aal1' });
  const byCookies = await fetch(`${service.url}/${USER}`);
  const [, access = ''] = /access_token=([^;]+)/.exec(byCookies.headers.getSetCookie().join()) ?? [];
  t.match(claimsOf(access), { auth_time: now });
});

t.test('a login with an invalid authTime, amr or acr is refused', async (t) => {
  const { post, time } = await startWithAnn(t);
  const now = Math.floor(time.now / 1000);
  const methods = 'face fpt geo hwk iris kba mca mfa otp pin pwd rba retina sc sms swk tel user vbm wia';
  t.equal((await post(`/auth/login?userId=${USER}&amr=${methods.replaceAll(' ', '+')}`)).status, 200);
  for (const query of [
    `authTime=${now + 7}`,
    'authTime=-1',
    'authTime=1.5',
    'authTime=1e400',
    `authTime=${Number.MAX_SAFE_INTEGER}`,
    'amr=',
    'amr=magic',
    'amr=pwd,otp',
    'amr=pwd%20',
    'amr=pwd%20%20otp',
    'amr=pwd&amr=otp',
    `amr=${'pwd%20'.repeat(25)}otp`,
    'acr=aal3',
    'acr=',
    'acr=aal1&acr=aal2',
  ]) {
    const { status, body } = await post(`/auth/login?userId=${USER}&${query}`);
    t.same([status, body.code], [400, 'invalid_request'], query);
  }
  for (const query of ['authTime=1', 'amr=mfa', 'acr=aal2']) {
    const { status, body } = await post(`/auth/login?${query}`, { username: 'ann', password: PASSWORD });
    t.same([status, body.code], [400, 'invalid_request'], `${query} by password`);
  }
});
