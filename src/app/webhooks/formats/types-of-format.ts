import { EVENT_TYPES_OF_CAEP, SESSION_REVOKED } from '../../../domain/caep-events.ts';
import type { EventType } from '../../../domain/events.ts';
import type { DeliveryFormat } from '../../../domain/webhooks.ts';

/** The types of events that a format can carry; null: every published type. */
export function typesOfFormat(format: DeliveryFormat): readonly string[] | null {
  return format === 'webhook' ? null : TYPES[format];
}

const TYPES: Readonly<Record<Exclude<DeliveryFormat, 'webhook'>, readonly EventType[]>> = {
  set: Object.values(EVENT_TYPES_OF_CAEP).flat(),
  'logout-token': EVENT_TYPES_OF_CAEP[SESSION_REVOKED],
};
