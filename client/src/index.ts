export { createClient } from './client.js';
export { SessionError } from './errors.js';
export type {
  ClientOptions,
  IdentityProof,
  LogOutScope,
  Recovery,
  SessionClient,
  SessionState,
  TokenPair,
  TokenStorage,
} from './types.js';
