import { testAddressInvariants } from './invariants/address.ts';

testAddressInvariants(100);
