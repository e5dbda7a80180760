import type { components } from './api.js';

/** What the service says and is told, as it documents it. */
export type Schemas = components['schemas'];

/** What `POST /auth/login` and `POST /auth/refresh` answer. */
export type TokenPair = Schemas['TokenPair'];

/** What a client should do next: try again, log in anew, or neither. */
export type Recovery = Schemas['Problem']['recovery'];

/** Which sessions of the user end: this one, all but this one, or all. */
export type LogOutScope = 'session' | 'others' | 'all';

export interface SessionState {
  readonly signedIn: boolean;
  /** The problem's `code` that ended the session, such as `session_revoked`; null where none did. */
  readonly code: string | null;
}

/**
 * Where the pair is kept, in the shape of `localStorage`; methods may answer promises. What was set must be read by
 * all who share the storage once `setItem` is through. `localStorage` itself promises that within one tab only.
 */
export interface TokenStorage {
  getItem(name: string): string | null | Promise<string | null>;
  setItem(name: string, value: string): unknown;
  removeItem(name: string): unknown;
}

export interface ClientOptions {
  /** The service: `https://auth.example.com`, or with the path under which a proxy has it. */
  readonly url: string;
  /** Origins, beside that of `url`, to which `fetch` sends the access token: `https://api.example.com`. */
  readonly origins?: readonly string[];
  /**
   * Left out: IndexedDB where there is one, else memory. null: memory, so that the session goes with the page or
   * process.
   */
  readonly storage?: TokenStorage | null;
  /**
   * Names the entry in the storage, the lock and the channel: `kinship`. Those who share a storage under one name
   * share one session; each further session needs a name of its own.
   */
  readonly name?: string;
  /** Milliseconds after which a request to the service counts as lost: 10,000. */
  readonly timeout?: number;
  /** In place of the global `fetch`. */
  readonly fetch?: typeof globalThis.fetch;
  /**
   * The session has ended, here or in another tab: `code` tells why, as in {@link SessionState}. Nothing but a
   * log-out, or a refresh answered with `recovery: login`, leads to this.
   */
  readonly onSignedOut?: (code: string | null) => void;
}

/** A session of one user. Its promises reject with a `SessionError`, or with what the storage throws. */
export interface SessionClient {
  /** Opens a session. Codes: `invalid_credentials`, `too_many_requests`, `invalid_request` and those of an outage. */
  logIn(username: string, password: string): Promise<void>;
  /** Goes on with a session that was opened elsewhere, such as by a backend for its user. */
  adopt(pair: TokenPair): Promise<void>;
  /**
   * Ends sessions at the service. But for `others`, this device forgets its pair in any case; a rejection then
   * says that the service could not be told.
   */
  logOut(scope?: LogOutScope): Promise<void>;
  /**
   * An access token that is good for a while, or null when signed out. `rejected` is one that a server refused with
   * 401: another one is answered. Rejects when a new one is needed and cannot be had; the session goes on then.
   */
  token(rejected?: string): Promise<string | null>;
  /**
   * As the global `fetch`, with the access token for the origins that may see it. An answer 401 leads to one refresh
   * and one repetition, unless the body was a stream.
   */
  fetch(input: string | URL | Request, init?: RequestInit): Promise<Response>;
  /** Tells the state once it is known, and each change of it, whichever tab it comes from. Answers how to stop. */
  subscribe(listener: (state: SessionState) => void): () => void;
  /** Stops listening to other tabs. The session goes on. */
  close(): void;
}
