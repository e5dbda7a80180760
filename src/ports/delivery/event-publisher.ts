import type { DomainEvent } from '../../domain/events.ts';
import type { TraceContext } from '../tracing.ts';

/** An event on its way out. */
export interface Publication {
  /** Stable over all attempts: a receiver that sees it twice can tell. */
  readonly id: string;
  readonly event: DomainEvent;
  /** The span that publishes it, for its consumers to go on from. */
  readonly trace: TraceContext | null;
}

/** `unroutable`: the broker has nobody to give it to, and keeps nothing of it. */
export type Published = 'routed' | 'unroutable';

export interface EventPublisher {
  /** Whether there is a broker that takes events just now. While there is not, `publish` rejects at once. */
  isReady(): boolean;
  /**
   * Resolves once the broker has taken the event over for good, or has said that it goes nowhere. Rejects, within
   * seconds, when neither is known: it may have arrived all the same. Many may be under way together.
   */
  publish(publication: Publication): Promise<Published>;
  /** Gives what is under way a moment, then rejects it. */
  close(): Promise<void>;
}
