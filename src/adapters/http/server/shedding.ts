import type { FastifyInstance } from 'fastify';
import { Refusal } from '../../../domain/refusal.ts';
import type { Pressure, Strain } from '../../../ports/pressure.ts';

export interface SheddingOptions {
  readonly pressure: Pressure;
  /** Called for each request that is turned away. */
  onShed(strain: Strain): void;
}

/** There is no room for this request. It is no fault worth a line in the log each time. */
export class Shed extends Refusal {
  constructor() {
    super('unavailable', 'The service has more to do than it can at the moment.');
  }
}

/**
 * Turns the requests of this scope away at the door while the service is under strain: better a few at once than all
 * of them late.
 */
export function shedLoad(scope: FastifyInstance, { pressure, onShed }: SheddingOptions): void {
  scope.addHook('onRequest', async () => {
    const strain = pressure();
    if (strain === null) return;
    onShed(strain);
    throw new Shed();
  });
}
