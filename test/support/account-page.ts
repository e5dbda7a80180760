import type { Test } from 'tap';
import { startHttpService } from './http.ts';
import { PASSWORD } from './passwords.ts';

export const COOKIE = 'kinship_account';

type Settings = Parameters<typeof startHttpService>[1];

/**
 * A service with the account `ann`, and functions that send the requests of a browser without scripts to the account
 * pages.
 */
export async function accountPages(t: Pick<Test, 'teardown'>, settings: Settings = {}) {
  const service = await startHttpService(t, settings);
  const account = { username: 'ann', email: 'ann@example.com', password: PASSWORD };
  const userId = String((await service.post('/auth/register', account)).body.id);

  async function visit(path: string, init: RequestInit = {}) {
    const answer = await fetch(service.url + path, { redirect: 'manual', ...init });
    const html = await answer.text();
    const [, title = ''] = /<h1>([^<]*)<\/h1>/.exec(html) ?? [];
    const [, error = null] = /class="error"[^>]*>([^<]*)</.exec(html) ?? [];
    return { status: answer.status, headers: answer.headers, html, title, error };
  }

  const submit = (
    path: string,
    form: Record<string, string>,
    cookie?: string,
    headers: Record<string, string> = {},
  ) =>
    visit(path, {
      method: 'POST',
      body: new URLSearchParams(form),
      headers: { ...(cookie !== undefined && { cookie }), ...headers },
    });

  return {
    ...service,
    userId,
    visit,
    submit,
    show: (path: string, cookie?: string) => visit(path, { headers: cookie === undefined ? {} : { cookie } }),

    /** Signs in, and returns the header `Cookie` of the next requests. */
    async signIn(form: Record<string, string> = {}, headers: Record<string, string> = {}, cookie?: string) {
      const answer = await submit(
        '/account/sign-in',
        { username: 'ann', password: PASSWORD, ...form },
        cookie,
        headers,
      );
      const [set = ''] = answer.headers.getSetCookie();
      return set.split(';')[0] ?? '';
    },

    /** The ids of the user's live sessions. */
    sessionIds: async () => {
      const page = await service.families.list(userId, { now: service.time.now, limit: 100, after: null });
      return page.map(({ tokenFamily }) => tokenFamily);
    },

    async logInByApi() {
      const { body } = await service.post('/auth/login', { username: 'ann', password: PASSWORD });
      return String(body.access);
    },

    isLive: async (access: string) => {
      const { status } = await service.send('/auth/me', { headers: { authorization: `Bearer ${access}` } });
      return status === 200;
    },
  };
}

/** The passkey options that a page hands to the browser. */
export function passkeyOptionsIn(html: string): { challenge: string } {
  const [, text = '{}'] = /data-options="([^"]*)"/.exec(html) ?? [];
  return JSON.parse(text.replaceAll('&quot;', '"').replaceAll('&#34;', '"').replaceAll('&amp;', '&'));
}
