import type { Key } from '../overview/key-timeline.ts';
import { continueSamples, type ReplicaSamples } from '../overview/series.ts';
import { call } from './api.ts';

export interface Overview extends ReplicaSamples {
  readonly dependencies: readonly { readonly name: string; readonly state: 'up' | 'down' }[];
  readonly keys: readonly Key[] | null;
}

/** Adds the samples of the earlier overview to the next one, if both come from the same replica. */
export function mergeOverview(before: Overview | null, next: Overview): Overview {
  return { ...next, samples: continueSamples(before, next) };
}

/** Follows the overview until the returned function is called. The browser connects again by itself. */
export function followOverview(onNext: (next: Overview) => void, onLost: (message: string) => void) {
  const source = new EventSource('/admin/overview/stream');
  source.onmessage = ({ data }) => onNext(JSON.parse(data));
  source.onerror = () => {
    // After a refusal the browser does not connect again, and hides the refusal. A plain request gets its message.
    if (source.readyState !== EventSource.CLOSED) return;
    call('GET', '/admin/overview').then(
      () => onLost('The connection was lost.'),
      (error: Error) => onLost(error.message),
    );
  };
  return () => source.close();
}
