import { testRefreshInvariants } from './invariants/refresh.ts';

testRefreshInvariants(200);
