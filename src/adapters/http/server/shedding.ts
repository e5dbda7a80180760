import type { FastifyInstance } from 'fastify';
import { Refusal } from '../../../domain/refusal.ts';
import type { Overload, ReadOverload } from '../../../ports/overload.ts';

export interface SheddingOptions {
  readonly readOverload: ReadOverload;
  /** Called for each request that is refused. */
  onShed(overload: Overload): void;
}

/** A refusal for lack of capacity. It is expected, so it is not logged for each request. */
export class OverloadRefusal extends Refusal {
  constructor() {
    super('unavailable', 'The service is overloaded. Try again later.');
  }
}

/**
 * Refuses the requests of this scope while the service is overloaded. A few immediate refusals are better than late
 * answers for all.
 */
export function shedLoad(scope: FastifyInstance, { readOverload, onShed }: SheddingOptions): void {
  scope.addHook('onRequest', async () => {
    const overload = readOverload();
    if (overload === null) return;
    onShed(overload);
    throw new OverloadRefusal();
  });
}
