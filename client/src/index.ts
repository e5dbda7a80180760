export { createClient } from './client.js';
export { SessionError } from './errors.js';
export type {
  ClientOptions,
  IdentityProof as Proof,
  LogOutScope,
  Recovery,
  SessionClient,
  SessionState,
  TokenPair,
  TokenStorage,
} from './types.js';
