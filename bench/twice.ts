import { type Connection, openConnection } from './load/connection.ts';
import type { Place, Scenario } from './load/scenario.ts';

const IN_FLIGHT = 16;

/**
 * How many of `tries` tokens that two connections submitted at the same moment were honoured for both. Each try is a
 * new session, so that one that was ended for it spoils no other.
 */
export async function honouredTwice<State>(
  place: Place,
  scenario: Scenario<State>,
  tries: number,
): Promise<number> {
  let left = tries;
  let twice = 0;
  const client = async (_: unknown, number: number) => {
    const both = [await openConnection(place.url), await openConnection(place.url)];
    while (left > 0) {
      left -= 1;
      const ask = scenario.ask(await scenario.begin(place, number));
      const answers = await Promise.all(both.map((connection: Connection) => connection.ask(ask)));
      if (answers.every(({ status }) => status === 200)) twice += 1;
    }
    for (const connection of both) connection.close();
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, client));
  return twice;
}
