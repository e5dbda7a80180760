import type { SessionState } from './types.js';

type Listener = (state: SessionState) => void;

/**
 * Reports sign-in and sign-out to the listeners, each change once. Listeners run in a microtask, so that an error of a
 * listener does not fail the caller of `token`.
 */
export function createStateEvents(onSignedOut: ((code: string | null) => void) | undefined) {
  const listeners = new Set<Listener>();
  let state: SessionState | undefined;

  return {
    emit(next: SessionState): void {
      const before = state;
      if (before?.signedIn === next.signedIn) return;
      state = next;
      for (const listener of listeners) queueMicrotask(() => listener(next));
      if (before?.signedIn) queueMicrotask(() => onSignedOut?.(next.code));
    },

    /** Returns the current state; undefined if it is not known yet. */
    add(listener: Listener): SessionState | undefined {
      const now = state;
      listeners.add(listener);
      if (now) queueMicrotask(() => listener(now));
      return now;
    },

    remove: (listener: Listener) => void listeners.delete(listener),
  };
}
