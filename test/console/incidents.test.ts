import t from 'tap';
import { groupIncidents, type IncidentEvent } from '../../console/src/incidents/group-incidents.ts';
import { ELSEWHERE, HOME, lifeEvent } from '../support/example-events.ts';

const ANN = '6f1f5f0e-6c1f-4b9a-9a53-0d0b4f5d3c11';
const BEN = '7f1f5f0e-6c1f-4b9a-9a53-0d0b4f5d3c12';

function event(hour: number, type: string, sessionId: string, facts: Partial<IncidentEvent> = {}) {
  const time = `2026-11-21T${String(hour).padStart(2, '0')}:00:00.000Z`;
  return {
    ...lifeEvent(time, type, { address: ELSEWHERE, userAgent: 'curl/8' }),
    userId: ANN,
    ...facts,
    sessionId,
  };
}

t.test('replays and refusals are grouped by user and network, newest first', async (t) => {
  const incidents = groupIncidents([
    event(1, 'sessions.reuse_detected', 'one'),
    event(5, 'sessions.dpop_refused', 'two'),
    event(3, 'sessions.reuse_detected', 'one'),
    event(4, 'sessions.reuse_detected', 'three', { address: HOME }),
    event(6, 'sessions.reuse_detected', 'four', { userId: BEN }),
  ]);
  t.match(incidents, [
    { userId: BEN, network: ELSEWHERE, replays: 1, refusals: 0, sessionIds: ['four'] },
    {
      userId: ANN,
      network: ELSEWHERE,
      replays: 2,
      refusals: 1,
      sessionIds: ['two', 'one'],
      device: 'curl/8',
    },
    { userId: ANN, network: HOME, replays: 1 },
  ]);
});

t.test('a new address is an incident only if it was blocked', async (t) => {
  const changed = 'sessions.address_changed';
  t.same(groupIncidents([event(1, changed, 'one', { data: { blocked: false } })]), []);
  t.match(groupIncidents([event(1, changed, 'one', { data: { blocked: true } })]), [{ refusals: 1 }]);
});

t.test('events without a session, an address or a user agent are grouped as well', async (t) => {
  const bare = {
    ...event(1, 'sessions.reuse_detected', 'one'),
    sessionId: null,
    address: null,
    userAgent: null,
  };
  const incidents = groupIncidents([bare, { ...bare, time: '2026-11-21T02:00:00.000Z' }]);
  t.match(incidents, [{ userId: ANN, replays: 2, refusals: 0, sessionIds: { length: 0 } }]);
  t.equal(incidents[0]?.lastAt, Date.parse('2026-11-21T02:00:00.000Z'));
});
