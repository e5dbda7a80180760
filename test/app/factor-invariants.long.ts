import { testFactorInvariants } from './invariants/factor.ts';

testFactorInvariants(300);
