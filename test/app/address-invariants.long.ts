import { testAddressInvariants, testEmbeddedAddressInvariants } from './invariants/address.ts';

testAddressInvariants(400);
testEmbeddedAddressInvariants(6);
