import type { FastifyInstance } from 'fastify';
import { Refusal } from '../../../domain/refusal.ts';
import type { Overload, ReadOverload } from '../../../ports/overload.ts';

export interface SheddingOptions {
  readonly pressure: ReadOverload;
  /** Called for each request that is refused. */
  onShed(strain: Overload): void;
}

/** A refusal for lack of capacity. It is expected, so it is not logged for each request. */
export class Shed extends Refusal {
  constructor() {
    super('unavailable', 'The service has more to do than it can at the moment.');
  }
}

/**
 * Refuses the requests of this scope while the service is overloaded. A few immediate refusals are better than late
 * answers for all.
 */
export function shedLoad(scope: FastifyInstance, { pressure, onShed }: SheddingOptions): void {
  scope.addHook('onRequest', async () => {
    const strain = pressure();
    if (strain === null) return;
    onShed(strain);
    throw new Shed();
  });
}
