import { type Connection, openConnection } from './load/connection.ts';
import type { Scenario, Target } from './load/scenario.ts';

const IN_FLIGHT = 16;

/**
 * Submits `tries` tokens on two connections at the same moment, and returns how many were accepted on both.
 * Each try uses a new session, because a try may end its session.
 */
export async function countAcceptedTwice<State>(
  target: Target,
  scenario: Scenario<State>,
  tries: number,
): Promise<number> {
  let left = tries;
  let twice = 0;
  const client = async (_: unknown, number: number) => {
    const both = [await openConnection(target.url), await openConnection(target.url)];
    while (left > 0) {
      left -= 1;
      const ask = scenario.ask(await scenario.begin(target, number));
      const answers = await Promise.all(both.map((connection: Connection) => connection.ask(ask)));
      if (answers.every(({ status }) => status === 200)) twice += 1;
    }
    for (const connection of both) connection.close();
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, client));
  return twice;
}
