import type { Test } from 'tap';
import { percentile } from './load.ts';
import { connections, post } from './request.ts';

const AT_ONCE = 8;

/** Makes accounts one after the other, each from a network of its own, so that no limit stands in the way. */
export function startRegistering(t: Pick<Test, 'teardown'>, { url }: { readonly url: string }) {
  const agent = connections(t, { keepAlive: true });
  let made = 0;

  async function one() {
    made += 1;
    const username = `user${made}`;
    const account = { username, email: `${username}@example.com`, password: 'a violet piano 42' };
    const from = { 'x-forwarded-for': `10.${made >> 16}.${(made >> 8) & 255}.${made & 255}` };
    const since = performance.now();
    const { status, body } = await post(agent, new URL('/auth/register', url), account, from);
    return { status, id: String(body.id), ms: performance.now() - since };
  }

  return {
    /** Ids of the accounts, statuses of those that were not made, and how long a hundredth of them took at least. */
    async register(count: number) {
      const answers: Awaited<ReturnType<typeof one>>[] = [];
      let left = count;
      const worker = async () => {
        while (left > 0) {
          left -= 1;
          answers.push(await one());
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
