import { Refusal } from '../domain/refusal.ts';
import type { Fault } from '../ports/telemetry.ts';

/** Wraps a use case. `onEnd` is called after each call: with null on success, otherwise with the fault. */
export const withTelemetry =
  <Input extends unknown[], Output>(
    useCase: (...input: Input) => Promise<Output>,
    onEnd: (fault: Fault | null) => void,
  ) =>
  async (...input: Input): Promise<Output> => {
    try {
      const output = await useCase(...input);
      onEnd(null);
      return output;
    } catch (error) {
      onEnd(error instanceof Refusal ? error.code : 'internal_error');
      throw error;
    }
  };
