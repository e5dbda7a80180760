import { Type } from '@sinclair/typebox';
import type { AuditEvent } from '../../../domain/audit.ts';
import { examples } from '../server/examples.ts';
import { closed, count, longText, oneOf } from '../server/field-schemas.ts';
import { Time, Uuid } from '../server/schemas.ts';
import { UserId } from '../server/user-ids.ts';

/** An event of the audit log, as operators see it. */
export const AuditItem = Type.Object(
  {
    id: Uuid,
    time: Time,
    type: longText({ description: 'what happened: see docs/audit.md' }),
    userId: Type.Union([UserId, Type.Null()]),
    sessionId: Type.Union([Uuid, Type.Null()]),
    actor: Type.Object(
      {
        kind: oneOf(['user', 'service_key', 'operator', 'system']),
        name: Type.Optional(longText({ description: 'the name of the service key or operator' })),
      },
      closed,
    ),
    address: Type.Union([longText(), Type.Null()]),
    userAgent: Type.Union([longText(), Type.Null()]),
    generation: Type.Optional(count({ description: 'the generation of the session after the change' })),
    data: Type.Object({}, { additionalProperties: true, description: 'facts of this type of event' }),
  },
  { ...closed, title: 'AuditEvent' },
);

export const auditExample = {
  id: examples.request,
  time: examples.time,
  type: 'sessions.reuse_detected',
  userId: examples.user,
  sessionId: examples.session,
  actor: { kind: 'user' },
  address: '198.51.100.7',
  userAgent: 'curl/8.14.1',
  generation: 7,
  data: { presentedGeneration: 4, presentedIat: 1767323045 },
} as const;

/** The query parameter `order` of a list of events. */
export const EventOrder = Type.Optional(
  oneOf(['oldest', 'newest'], {
    description: 'which event comes first, default: `oldest`. A cursor is valid for its own order only',
  }),
);

export function toAuditItem({
  id,
  type,
  occurredAt,
  userId,
  sessionId,
  origin,
  generation,
  data,
}: AuditEvent) {
  return {
    id,
    time: new Date(occurredAt).toISOString(),
    type,
    userId,
    sessionId,
    ...origin,
    ...(generation !== null && { generation }),
    data,
  };
}
