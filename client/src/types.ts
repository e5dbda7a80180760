import type { components } from './api.js';

/** Bodies of requests and answers, as the service documents them. */
export type Schemas = components['schemas'];

/** Answer of `POST /auth/login`, `POST /auth/refresh` and `POST /auth/step-up`. */
export type TokenPair = Schemas['TokenPair'];

/** The next step for a client: try again, log in again, or neither. */
export type Recovery = Schemas['Problem']['recovery'];

/** The sessions of the user that a logout ends: this one, all except this one, or all. */
export type LogOutScope = 'session' | 'others' | 'all';

export interface SessionState {
  readonly signedIn: boolean;
  /** The problem's `code` that ended the session, such as `session_revoked`; null if no problem ended it. */
  readonly code: string | null;
}

/**
 * Storage of the pair, with the methods of `localStorage`; they may return promises. Once `setItem` is done, all users
 * of the storage must read the new value. `localStorage` guarantees that within one tab only.
 */
export interface TokenStorage {
  getItem(name: string): string | null | Promise<string | null>;
  setItem(name: string, value: string): unknown;
  removeItem(name: string): unknown;
}

/** What the user shows to prove who they are, such as the password. */
export type IdentityProof = Omit<Schemas['StepUp'], 'refreshToken' | 'accessToken'>;

export interface ClientOptions {
  /** URL of the service, such as `https://auth.example.com`, with the path under which a proxy serves it, if any. */
  readonly url: string;
  /**
   * Origins to which `fetch` sends the access token, in addition to the origin of `url`, such as
   * `https://api.example.com`.
   */
  readonly origins?: readonly string[];
  /** Default: IndexedDB if it exists, otherwise memory. null: memory, so the session ends with the page or process. */
  readonly storage?: TokenStorage | null;
  /**
   * Name of the storage entry, the lock and the channel; default `kinship`, with cookies `kinship-cookie`. Clients
   * with the same storage and name share one session; each further session needs its own name.
   */
  readonly name?: string;
  /** Milliseconds after which a request to the service counts as lost; default 10,000. */
  readonly timeout?: number;
  /** Replaces the global `fetch`. */
  readonly fetch?: typeof globalThis.fetch;
  /**
   * Called when the session has ended, here or in another tab. `code` says why, as in {@link SessionState}. Only a
   * logout, a lost DPoP key, or a refresh or step-up answered with `recovery: login`, ends a session.
   */
  readonly onSignedOut?: (code: string | null) => void;
  /**
   * Called when a server refuses a request of `fetch` until the user is authenticated again. `challenge` is the header
   * `WWW-Authenticate` of the refusal (RFC 9470), such as `Bearer error="insufficient_user_authentication",
   * max_age=600`. Ask the user for a proof and return it: the client exchanges the pair with it and repeats the
   * request. With null the refusal is the answer. A wrong proof rejects the call with the code `proof_refused`.
   */
  readonly onStepUp?: (challenge: string) => Promise<IdentityProof | null>;
}

/**
 * A session of one user. Its promises reject with a `SessionError`, or with an error that the storage throws. `fetch`
 * also rejects as the global `fetch` does, and with an error of `onStepUp`.
 */
export interface SessionClient {
  /**
   * Opens a session. Codes: `invalid_credentials`, `second_factor_required`, `email_unverified`, `account_disabled`,
   * `too_many_requests`, `invalid_request`, the codes of an outage, and `invalid_dpop_proof` with DPoP.
   */
  logIn(username: string, password: string): Promise<void>;
  /** Continues a session that another program opened, such as a backend for its user. */
  adopt(pair: TokenPair): Promise<void>;
  /**
   * Ends sessions at the service. Unless the scope is `others`, this device always removes its pair. A rejection then
   * means that the service may not have received the logout.
   */
  logOut(scope?: LogOutScope): Promise<void>;
  /**
   * Returns an access token that is valid for 30 more seconds (short-lived tokens: a tenth of their lifetime), or null
   * when signed out. Pass a token that a server refused with 401 as `rejected`, to get another one. Rejects if a new
   * token is needed but not available; the session continues.
   */
  token(rejected?: string): Promise<string | null>;
  /**
   * Works like the global `fetch`, and sends the access token to the configured origins. A 401 causes one refresh and
   * one repetition, unless the body was a stream or the code is `invalid_credentials`. A 401 that asks for a step-up
   * causes `onStepUp` and one repetition.
   */
  fetch(input: string | URL | Request, init?: RequestInit): Promise<Response>;
  /**
   * Calls the listener with the state once it is known, and on each change in any tab. Returns a function that
   * unsubscribes.
   */
  subscribe(listener: (state: SessionState) => void): () => void;
  /** Ends the messages to and from other tabs. The session and the methods continue. */
  close(): void;
}
