import type { Test } from 'tap';
import type { ConsoleFiles } from '../../src/adapters/http/console/files.ts';
import { startHttpService } from './http.ts';
import { PASSWORD } from './passwords.ts';

type Settings = NonNullable<Parameters<typeof startHttpService>[1]> & { readonly files?: ConsoleFiles };

const FILES: ConsoleFiles = { script: Buffer.from('"script"'), style: Buffer.from('/* style */') };

/** A service with the console and two accounts: the operator olga, and ann. */
export async function consoleService(t: Pick<Test, 'teardown'>, settings: Settings = {}) {
  const { files = FILES, ...others } = settings;
  const service = await startHttpService(t, { ...others, http: { consoleFiles: files, ...others.http } });
  const register = async (username: string) => {
    const account = { username, email: `${username}@example.com`, password: PASSWORD };
    return String((await service.post('/auth/register', account)).body.id);
  };
  const [olga, ann] = [await register('olga'), await register('ann')];
  await service.setOperator(olga);

  const cookieOf = (answer: { readonly headers: Headers }) =>
    answer.headers.getSetCookie()[0]?.split(';')[0] ?? '';

  return {
    ...service,
    olga,
    ann,
    cookieOf,
    signIn: async (username = 'olga') => service.post('/console/session', { username, password: PASSWORD }),
    /** The header `Cookie` of a signed-in operator. */
    async operatorCookie() {
      return cookieOf(await service.post('/console/session', { username: 'olga', password: PASSWORD }));
    },
    sessionsOf: async (userId: string) =>
      (await service.families.list(userId, { now: service.time.now, limit: 100, after: null })).map(
        ({ tokenFamily }) => tokenFamily,
      ),
  };
}
