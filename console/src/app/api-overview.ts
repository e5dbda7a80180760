import type { Key } from '../overview/key-timeline.ts';
import { continueSamples, type ReplicaSamples } from '../overview/series.ts';
import { call } from './api.ts';

export interface Overview extends ReplicaSamples {
  readonly dependencies: readonly { readonly name: string; readonly state: 'up' | 'down' }[];
  readonly keys: readonly Key[];
}

/** The overview, with the samples of an earlier one of the same replica. */
export function mergeOverview(before: Overview | null, next: Overview): Overview {
  return { ...next, samples: continueSamples(before, next) };
}

/** Follows the overview until the returned function is called. The browser connects again by itself. */
export function followOverview(onNext: (next: Overview) => void, onLost: (message: string) => void) {
  const source = new EventSource('/admin/overview/stream');
  source.onmessage = ({ data }) => onNext(JSON.parse(data));
  source.onerror = () => {
    // The browser gives up after a refusal. A plain request tells which one it was.
    if (source.readyState !== EventSource.CLOSED) return;
    call('GET', '/admin/overview').then(
      () => onLost('The connection was lost.'),
      (error: Error) => onLost(error.message),
    );
  };
  return () => source.close();
}
