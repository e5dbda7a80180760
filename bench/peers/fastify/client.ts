import { type Pair, refresh } from '../../contestants/kinship/client.ts';
import type { Place, Scenarios } from '../../load/scenario.ts';

/** Each client sends one pair of Kinship's again and again, so that requests and answers have their size. */
const echo = {
  ...refresh,
  begin: async ({ access = '', refresh = '' }: Place): Promise<Pair> => ({ access, refresh }),
};

export const scenarios: Scenarios = { refresh: echo };
