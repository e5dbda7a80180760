import type { ChangeOrigin } from '../../domain/audit.ts';
import { Refusal } from '../../domain/refusal.ts';
import type { StreamStatus } from '../../domain/streams.ts';
import { type Stream, type StreamDeps, type StreamKey, updateStream } from './stream.ts';

/** The status that a receiver wants, with its reason. */
export interface StreamStatusRequest {
  readonly status: StreamStatus;
  readonly reason: string | null;
}

export type ChangeStreamStatus = (
  key: StreamKey,
  wanted: StreamStatusRequest,
  origin: ChangeOrigin,
) => Promise<Stream>;

/**
 * Enables, pauses or disables a stream. Rejects with a {@link Refusal}: `not_found`, or `forbidden` if an operator has
 * disabled the stream.
 */
export const changeStreamStatus =
  (deps: StreamDeps): ChangeStreamStatus =>
  (key, { status, reason }, origin) =>
    updateStream(
      deps,
      key,
      ({ stream, disabledBecause }) => {
        if (disabledBecause === 'operator')
          throw new Refusal(
            'forbidden',
            'An operator has disabled this stream, and only an operator can enable it.',
          );
        return {
          state: status,
          disabledBecause: status === 'disabled' ? 'receiver' : null,
          stream: { ...stream, statusReason: reason },
        };
      },
      origin,
    );
