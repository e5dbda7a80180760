import type { Test } from 'tap';
import { PASSWORD } from '../../support/passwords.ts';
import { percentile } from './load.ts';
import { createAgent, post } from './request.ts';

const AT_ONCE = 8;

/** Registers accounts, `AT_ONCE` at a time. Each comes from its own network, so that no limit applies. */
export function createRegistrar(t: Pick<Test, 'teardown'>, { url }: { readonly url: string }) {
  const agent = createAgent(t, { keepAlive: true });
  let made = 0;

  async function registerOne() {
    made += 1;
    const username = `user${made}`;
    const account = { username, email: `${username}@example.com`, password: PASSWORD };
    const from = { 'x-forwarded-for': `10.${made >> 16}.${(made >> 8) & 255}.${made & 255}` };
    const since = performance.now();
    const { status, body } = await post(agent, new URL('/auth/register', url), account, from);
    return { status, id: String(body.id), ms: performance.now() - since };
  }

  return {
    /**
     * Returns the ids of the accounts, the statuses of refused registrations, and the 99th percentile of the
     * durations.
     */
    async register(count: number) {
      const answers: Awaited<ReturnType<typeof registerOne>>[] = [];
      let left = count;
      const worker = async () => {
        while (left > 0) {
          left -= 1;
          answers.push(await registerOne());
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, worker));
      return {
        ids: answers.map(({ id }) => id),
        refused: answers.map(({ status }) => status).filter((status) => status !== 201),
        p99: percentile(
          answers.map(({ ms }) => ms),
          0.99,
        ),
      };
    },
  };
}
