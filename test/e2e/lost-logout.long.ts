import t, { type Test } from 'tap';
import { connect } from '../../src/adapters/postgres/connect.ts';
import { readSocketRecord } from '../../src/adapters/postgres/embedded/start.ts';
import { dataDir, startServiceInProcess } from '../support/service-in-process.ts';

const USER = '6f1f5f0e-6c1f-4b9a-9a53-0d0b4f5d3c11';

t.test(
  'after a logout that the database did not answer, a second one ends the session, and the first has no later effect',
  async (t) => {
    const { request, logIn, whileOccupied } = await embeddedService(t);
    const [pair, other] = [await logIn(), await logIn()];
    const logOut = () => request('POST', '/auth/logout?scope=all', { access: pair.access });
    t.equal(await whileOccupied(logOut), 503, 'the database did not answer in time');
    const byRefreshToken = { body: { refreshToken: pair.refresh } };
    t.equal(await request('POST', '/auth/logout', byRefreshToken), 204);
    t.equal(await request('GET', '/auth/me', { access: pair.access }), 401);
    t.equal(await logOut(), 401, 'a repeat by the access token');
    t.equal(
      await request('GET', '/auth/me', { access: other.access }),
      200,
      'the abandoned logout has no later effect',
    );
  },
);

/** The service on the embedded database, and another client that can block this database. */
async function embeddedService(t: Test) {
  const folder = await dataDir(t);
  const { url } = await startServiceInProcess(t, { DATA_DIR: folder, MAIL: 'off' });
  const sql = connect({ kind: 'embedded', socketPath: String(await readSocketRecord(folder)) });
  t.teardown(() => sql.end());

  async function send(
    method: string,
    path: string,
    { access, body }: { access?: string; body?: object } = {},
  ) {
    return fetch(url + path, {
      method,
      headers: {
        ...(access && { authorization: `Bearer ${access}` }),
        ...(body && { 'content-type': 'application/json' }),
      },
      ...(body && { body: JSON.stringify(body) }),
    });
  }

  return {
    request: async (...args: Parameters<typeof send>) => (await send(...args)).status,

    async logIn() {
      const answer = await send('POST', `/auth/login?userId=${USER}`);
      return (await answer.json()) as { access: string; refresh: string };
    },

    /**
     * Resolves with the answer to `request`, which is sent while a transaction of this client blocks all other
     * statements.
     */
    whileOccupied: <T>(request: () => Promise<T>) =>
      sql.begin(async (tx) => {
        await tx`select 1`;
        return request();
      }),
  };
}
