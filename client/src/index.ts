export { createClient } from './client.ts';
export { SessionError } from './errors.ts';
export type {
  ClientOptions,
  LogOutScope,
  Recovery,
  SessionClient,
  SessionState,
  TokenPair,
  TokenStorage,
} from './types.ts';
