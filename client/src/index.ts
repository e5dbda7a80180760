export { createClient } from './client.js';
export { SessionError } from './errors.js';
export type {
  ClientOptions,
  LogOutScope,
  Proof,
  Recovery,
  SessionClient,
  SessionState,
  TokenPair,
  TokenStorage,
} from './types.js';
