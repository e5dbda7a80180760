import type { LifeEvent, LifeSession } from '../../src/domain/life/life.ts';

export const SAFARI =
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15';
export const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0';

export const HOME = '192.0.2.7';
export const OFFICE = '203.0.113.20';
export const ELSEWHERE = '198.51.100.14';

type Facts = Partial<Omit<LifeEvent, 'id' | 'time' | 'type'>>;

/** An event from the address `HOME`, with the browser of the login. */
export function lifeEvent(time: string, type: string, facts: Facts = {}): LifeEvent {
  const usual = { address: HOME, userAgent: SAFARI, data: {}, actor: { kind: 'user' } };
  return { id: `${type} ${time}`, time, type, ...usual, ...facts };
}

export function lifeSession(facts: Partial<LifeSession> = {}): LifeSession {
  return {
    id: 'e1f22c76-1111-4222-8333-444455556666',
    userId: '6f1f5f0e-6c1f-4b9a-9a53-0d0b4f5d3c11',
    createdAt: '2026-11-21T09:14:02.000Z',
    refreshedAt: '2026-11-27T07:09:12.000Z',
    expiresAt: '2026-12-27T07:09:12.000Z',
    createdIp: HOME,
    lastIp: HOME,
    userAgent: 'Safari 18 on macOS',
    generation: 61,
    ...facts,
  };
}

/** A token of generation 57 is copied and presented from elsewhere, while generation 61 is current. */
export const THEFT: readonly LifeEvent[] = [
  lifeEvent('2026-11-21T09:14:02.000Z', 'sessions.started', { generation: 0 }),
  lifeEvent('2026-11-23T18:30:00.000Z', 'sessions.stepped_up', {
    generation: 25,
    data: { amr: ['otp'], acr: 'aal2' },
  }),
  lifeEvent('2026-11-24T12:01:00.000Z', 'sessions.address_changed', {
    address: OFFICE,
    userAgent: FIREFOX,
    generation: 38,
    data: { previousAddress: HOME, blocked: false },
  }),
  lifeEvent('2026-11-25T20:01:00.000Z', 'sessions.address_changed', {
    generation: 46,
    data: { previousAddress: OFFICE, blocked: false },
  }),
  lifeEvent('2026-11-27T07:11:38.000Z', 'sessions.reuse_detected', {
    address: ELSEWHERE,
    userAgent: 'curl/8.5.0',
    generation: 61,
    data: { presentedGeneration: 57, presentedIat: Date.parse('2026-11-26T21:40:10.000Z') / 1_000 },
  }),
];

/** The thief refreshes before the user does. So the user's own browser presents a token that was used before. */
export const FASTER_THIEF: readonly LifeEvent[] = [
  lifeEvent('2026-11-21T09:14:02.000Z', 'sessions.started', { generation: 0 }),
  lifeEvent('2026-11-21T09:55:01.000Z', 'sessions.address_changed', {
    address: ELSEWHERE,
    userAgent: 'python-requests/2.31',
    generation: 3,
    data: { previousAddress: HOME, blocked: false },
  }),
  lifeEvent('2026-11-21T09:55:31.000Z', 'sessions.reuse_detected', {
    generation: 4,
    data: { presentedGeneration: 2, presentedIat: Date.parse('2026-11-21T09:40:10.000Z') / 1_000 },
  }),
];
