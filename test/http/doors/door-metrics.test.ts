import { randomUUID } from 'node:crypto';
import t, { type Test } from 'tap';
import { seriesIn } from '../../support/exposition.ts';
import { type SessionTokens, tokensIn } from '../../support/factors.ts';
import { claimsOf } from '../../support/forge.ts';
import { type HttpService, startHttpService } from '../../support/http.ts';
import { postForm, refreshForm } from '../../support/oauth.ts';

/** The login and the refresh of one HTTP contract. */
interface Entry {
  readonly door: string;
  /** Opens a session and returns its tokens. */
  logIn(service: HttpService): Promise<SessionTokens>;
  /** Sends one refresh with these tokens. */
  refresh(service: HttpService, tokens: SessionTokens): Promise<unknown>;
  /** Sends a login that is refused. Absent if the contract has no passwords. */
  readonly failedLogIn?: (service: HttpService) => Promise<unknown>;
}

const PASSWORD = 'correct horse battery staple';

const entries: readonly Entry[] = [
  {
    door: 'canonical',
    logIn: async ({ post }) => tokensIn((await post(`/auth/login?userId=${randomUUID()}`)).body),
    refresh: ({ post }, { access, refresh }) =>
      post('/auth/refresh', { accessToken: access, refreshToken: refresh }),
    failedLogIn: ({ post }) => post('/auth/login', { username: 'nemo', password: PASSWORD }),
  },
  {
    door: 'session-id',
    async logIn({ post }) {
      const { body } = await post('/api/v1/auth/login', { guid: randomUUID() });
      const decode = (value: unknown) => Buffer.from(String(value), 'base64').toString();
      return { access: String(body.access_token), refresh: decode(body.refresh_token) };
    },
    refresh: ({ post }, { access, refresh }) =>
      post('/api/v1/auth/refresh', {
        session_id: claimsOf(access).sid,
        refresh_token: Buffer.from(refresh).toString('base64'),
      }),
  },
  {
    door: 'cookie-pair',
    async logIn({ url }) {
      const { headers } = await fetch(new URL(`/${randomUUID()}`, url));
      const cookies = headers.getSetCookie().join(';');
      const cookie = (name: string) => new RegExp(`${name}=([^;]+)`).exec(cookies)?.[1] ?? '';
      return { access: cookie('access_token'), refresh: cookie('refresh_token') };
    },
    refresh: ({ url }, { access, refresh }) =>
      fetch(new URL('/refresh', url), {
        headers: { cookie: `access_token=${access}; refresh_token=${refresh}` },
      }),
  },
  {
    door: 'task-api',
    async logIn({ post }) {
      const username = `user-${randomUUID().slice(0, 8)}`;
      const account = { username, email: `${username}@example.com`, password: PASSWORD };
      await post('/api/v1/register/', account);
      return tokensIn((await post('/api/v1/login/', { username, password: PASSWORD })).body);
    },
    refresh: ({ post }, { refresh }) => post('/api/v1/refresh/', { refresh }),
    failedLogIn: ({ post }) => post('/api/v1/login/', { username: 'nemo', password: PASSWORD }),
  },
  {
    door: 'the token endpoint',
    logIn: async ({ post }) =>
      tokensIn((await post(`/auth/login?userId=${randomUUID()}&binding=refresh`)).body),
    refresh: (service, { refresh }) => postForm(service, '/oauth/token', refreshForm(refresh)),
  },
];

for (const entry of entries) {
  t.test(`logins and refreshes through ${entry.door} are counted`, async (t) => {
    const service = await startHttpService(t);
    const count = countIn(service);

    const tokens = await entry.logIn(service);
    t.equal(await count('auth_logins_success_total'), 1, 'the login');

    await entry.refresh(service, tokens);
    t.equal(await count('auth_refresh_success_total'), 1, 'the rotation');
    t.equal(await count('kinship_refreshes_total{outcome="rotated"}'), 1);

    await entry.refresh(service, tokens);
    t.equal(await count('auth_refresh_failed_total{reason="token_reused"}'), 1, 'the reuse');
    t.equal(await count('kinship_reuse_detected_total'), 1);

    await entry.refresh(service, { ...tokens, refresh: `${tokens.refresh.slice(0, -4)}AAAA` });
    t.equal(await count('auth_refresh_failed_total{reason="invalid_token"}'), 1, 'a forged token');

    await failedLogIn(t, entry, service, count);
  });
}

async function failedLogIn(
  t: Test,
  entry: Entry,
  service: HttpService,
  count: ReturnType<typeof countIn>,
): Promise<void> {
  if (entry.failedLogIn === undefined) return;
  await entry.failedLogIn(service);
  t.equal(await count('auth_logins_failed_total{reason="invalid_credentials"}'), 1, 'a failed login');
}

/** Returns a function that reads one counter of the service; 0 if it was never raised. */
function countIn({ metrics }: HttpService) {
  return async (series: string): Promise<number> => seriesIn(await metrics.scrape()).get(series) ?? 0;
}
