import { Refusal } from '../../domain/refusal.ts';
import { STREAM_VERIFICATION, VERIFICATION_INTERVAL } from '../../domain/streams.ts';
import { assertWithinLimit } from '../accounts/assert-within-limit.ts';
import { requireStream, type StreamDeps, type StreamKey } from './stream.ts';

const LIMIT = { name: 'verifications', count: 1, perMilliseconds: VERIFICATION_INTERVAL };

/** `state` is the receiver's own value, which the event returns; null: none was given. */
export type VerifyStream = (key: StreamKey, state: string | null) => Promise<void>;

/**
 * Sends a verification event over a stream. Rejects with a {@link Refusal}: `not_found`, `conflict` if the stream is
 * disabled, and `too_many_requests` within {@link VERIFICATION_INTERVAL} of the last verification event.
 */
export const verifyStream =
  (deps: StreamDeps): VerifyStream =>
  async (key, state) => {
    const { id, state: status } = await requireStream(deps, key);
    if (status === 'disabled') throw new Refusal('conflict', 'The stream is disabled: enable it first.');
    await assertWithinLimit(deps, { key: `verification ${id}`, limit: LIMIT }, { actor: key.owner });
    const event = { id: deps.newId(), type: STREAM_VERIFICATION, occurredAt: deps.clock() };
    await deps.webhookDeliveries.add(id, { ...event, data: state === null ? {} : { state } });
  };
