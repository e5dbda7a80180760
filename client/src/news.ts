import type { SessionState } from './types.js';

type Listener = (state: SessionState) => void;

/**
 * Tells whether somebody is signed in, each change once. It does so later, so that what a listener throws is no
 * failure of whoever asked for a token.
 */
export function createNews(onSignedOut: ((code: string | null) => void) | undefined) {
  const listeners = new Set<Listener>();
  let state: SessionState | undefined;

  return {
    tell(next: SessionState): void {
      const before = state;
      if (before?.signedIn === next.signedIn) return;
      state = next;
      for (const listener of listeners) queueMicrotask(() => listener(next));
      if (before?.signedIn) queueMicrotask(() => onSignedOut?.(next.code));
    },

    /** Answers false while there is nothing to tell yet. */
    add(listener: Listener): boolean {
      const now = state;
      listeners.add(listener);
      if (now) queueMicrotask(() => listener(now));
      return now !== undefined;
    },

    remove: (listener: Listener) => void listeners.delete(listener),
  };
}
