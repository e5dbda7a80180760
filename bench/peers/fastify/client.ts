import { type Pair, refresh } from '../../contestants/kinship/client.ts';
import type { Scenarios, Target } from '../../load/scenario.ts';

/** Each client repeats the same Kinship pair, so that requests and answers have the size of Kinship's. */
const echo = {
  ...refresh,
  begin: async ({ access = '', refresh = '' }: Target): Promise<Pair> => ({ access, refresh }),
};

export const scenarios: Scenarios = { refresh: echo };
