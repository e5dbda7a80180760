import type { Agent } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type postgres from 'postgres';
import { PASSWORD } from '../../support/passwords.ts';
import type { Target } from './client.ts';
import { ask, post, RequestFailed } from './request.ts';

/** Registers `count` accounts. Each one reads its own data repeatedly until `stop`. */
export async function startAccountReaders(service: Target, agent: Agent, count: number) {
  const stopping = new AbortController();
  const accounts = await Promise.all(Array.from({ length: count }, (_, index) => openAccount(index)));
  const reading = Promise.all(accounts.map(read));
  return {
    /**
     * Resolves with the outcome of each request: `own`, `foreign`, its status, or `undefined` without an
     * answer.
     */
    async stop(): Promise<string[]> {
      stopping.abort();
      return (await reading).flat();
    },
  };

  async function openAccount(index: number) {
    const username = `user${index}`;
    const account = { username, email: `${username}@example.com`, password: PASSWORD };
    const { body } = await post(agent, new URL('/auth/register', service.url), account);
    const login = await post(agent, new URL('/auth/login', service.url), { username, password: PASSWORD });
    return { id: String(body.id), username, access: String(login.body.access) };
  }

  async function read({ id, username, access }: Awaited<ReturnType<typeof openAccount>>): Promise<string[]> {
    const outcomes: string[] = [];
    while (!stopping.signal.aborted) {
      const headers = { authorization: `Bearer ${access}` };
      const answer = await ask(agent, 'GET', new URL('/auth/me', service.url), undefined, headers).catch(
        orNull,
      );
      const isOwn = answer?.body.userId === id && answer.body.username === username;
      outcomes.push(answer?.status === 200 ? (isOwn ? 'own' : 'foreign') : String(answer?.status));
      await delay(Math.random() * 10);
    }
    return outcomes;
  }
}

function orNull(error: unknown): null {
  if (error instanceof RequestFailed) return null;
  throw error;
}

/**
 * The number of connections that are idle in a transaction, or that wait for their client during a statement.
 */
export async function countStuckConnections(sql: postgres.Sql): Promise<number> {
  const [row] = await sql`
    select count(*)::int as count from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid()
      and (state like 'idle in transaction%' or state = 'active' and wait_event = 'ClientRead')`;
  return row?.count;
}
