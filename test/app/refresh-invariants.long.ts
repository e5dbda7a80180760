import { testRefreshInvariants } from './invariants/refresh.ts';

testRefreshInvariants(1_500);
