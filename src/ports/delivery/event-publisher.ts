import type { DomainEvent } from '../../domain/events.ts';
import type { TraceContext } from '../tracing.ts';

/** An event to publish. */
export interface Publication {
  /** The same at every attempt, so that a receiver can detect a duplicate. */
  readonly id: string;
  readonly event: DomainEvent;
  /**
   * The trace context of the publishing span, which consumers use as parent. Without tracing: the context that was
   * recorded with the event, or null.
   */
  readonly trace: TraceContext | null;
}

/** `unroutable`: no queue takes the event, so the broker has returned it. */
export type PublishResult = 'routed' | 'unroutable';

export interface EventPublisher {
  /** Whether a broker accepts events at the moment. If not, `publish` rejects at once. */
  isReady(): boolean;
  /**
   * Resolves after the broker has confirmed the event or returned it as unroutable. Rejects within seconds if the
   * broker gives no answer. The event may have arrived nevertheless. Calls may run concurrently.
   */
  publish(publication: Publication): Promise<PublishResult>;
  /** Waits briefly for pending publications, then rejects them. */
  close(): Promise<void>;
}
