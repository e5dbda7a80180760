import t from 'tap';
import { describeUserAgent } from '../../src/adapters/http/server/describe-user-agent.ts';
import type { LifeEvent, LifeSession } from '../../src/domain/life/life.ts';
import { readLife, sessionOfEvents } from '../../src/domain/life/read-life.ts';
import { summarizeLife } from '../../src/domain/life/summarize-life.ts';
import { dayInWords, durationInWords, momentInWords } from '../../src/domain/life/words.ts';
import {
  ELSEWHERE,
  FASTER_THIEF,
  HOME,
  lifeEvent,
  lifeSession,
  OFFICE,
  THEFT,
} from '../support/example-events.ts';

const NOW = Date.parse('2026-11-28T00:00:00.000Z');

const read = (session: LifeSession, events: readonly LifeEvent[]) =>
  readLife(session, events, NOW, describeUserAgent);

const answerTo = (question: string, { facts }: ReturnType<typeof summarizeLife>) =>
  facts.find((fact) => fact.question === question)?.answer ?? '';

t.test(
  'marks are numbered in the order of time, and the last refresh of the session is one of them',
  async (t) => {
    const { marks } = read(lifeSession(), [...THEFT].reverse());
    t.same(
      marks.map(({ number, kind, generation }) => [number, kind, generation]),
      [
        [1, 'login', 0],
        [2, 'step-up', 25],
        [3, 'address', 38],
        [4, 'address', 46],
        [5, 'latest', 61],
        [6, 'replay', 57],
      ],
    );
    t.equal(marks[2]?.device, 'Firefox 145 on Linux');
    t.equal(marks[2]?.network, OFFICE);
  },
);

t.test(
  'the mark of a replay names its token, the time and place of its issue, and the current generation',
  async (t) => {
    const { replays, end } = read(lifeSession(), THEFT);
    t.match(replays, [{ currentGeneration: 61, token: { generation: 57, network: HOME, isExact: true } }]);
    t.equal(replays[0]?.token.issuedAt, Date.parse('2026-11-26T21:40:10.000Z'));
    t.equal(end?.at, Date.parse('2026-11-27T07:11:38.000Z'));
  },
);

t.test('a token that the first refresh in another network issued belongs to that network', async (t) => {
  const events = [
    lifeEvent('2026-11-21T09:14:02.000Z', 'sessions.started', { generation: 0 }),
    lifeEvent('2026-11-22T08:00:00.750Z', 'sessions.address_changed', {
      address: OFFICE,
      generation: 5,
      data: { previousAddress: HOME },
    }),
    lifeEvent('2026-11-22T09:00:00.000Z', 'sessions.reuse_detected', {
      address: ELSEWHERE,
      generation: 6,
      data: { presentedGeneration: 5, presentedIat: Date.parse('2026-11-22T08:00:00.000Z') / 1_000 },
    }),
  ];
  t.match(read(lifeSession({ generation: 6 }), events).replays, [
    { token: { generation: 5, network: OFFICE, issuedAt: Date.parse('2026-11-22T08:00:00.750Z') } },
  ]);
});

t.test(
  'without `iat` the time of issue is estimated from the events around it, and marked as an estimate',
  async (t) => {
    const events = THEFT.map((event) => ({ ...event, data: { ...event.data, presentedIat: undefined } }));
    const life = read(lifeSession(), events);
    const [replay] = life.replays;
    t.equal(replay?.token.isExact, false);
    t.ok((replay?.token.issuedAt ?? 0) > Date.parse('2026-11-26T00:00:00.000Z'));
    t.ok((replay?.token.issuedAt ?? 0) < Date.parse('2026-11-27T07:09:12.000Z'));
    t.match(answerTo('What was copied?', summarizeLife(life)), /issued about /);
  },
);

t.test(
  'the summary of a replay from a network that never got a token says that it got no token',
  async (t) => {
    const story = summarizeLife(read(lifeSession(), THEFT));
    t.equal(story.state, 'stolen');
    t.match(story.headline, /^Stolen: the token of generation 57 came back when generation 61 was current/);
    t.match(answerTo('From where?', story), /^198\.51\.100\.14, curl.* a network that never got a token/);
    t.match(answerTo('What did it reach?', story), /^The replay was refused and got no token\./);
    t.match(answerTo('Is it over?', story), /^The session ended at the replay on Fri 27 Nov, 07:11:38 UTC/);
  },
);

t.test(
  'the summary of a replay from the network of the login names the other network, and how long it got tokens',
  async (t) => {
    const session = lifeSession({
      refreshedAt: '2026-11-21T09:55:20.000Z',
      lastIp: ELSEWHERE,
      generation: 4,
    });
    const reach = answerTo('What did it reach?', summarizeLife(read(session, FASTER_THIEF)));
    t.match(reach, /in 198\.51\.100\.14 .* which got tokens for 30 s\. If that is not the user/);
  },
);

t.test(
  'the summary of a replay from the network of the current pair says where to look for the copy',
  async (t) => {
    const events = THEFT.map((event) => ({ ...event, address: HOME }));
    const reach = answerTo('What did it reach?', summarizeLife(read(lifeSession(), events)));
    t.match(reach, /same network, so look for the copy on that device/);
  },
);

t.test('summaries distinguish a live session, an ended session and a refused address', async (t) => {
  const started = lifeEvent('2026-11-21T09:14:02.000Z', 'sessions.started', { generation: 0 });
  const ended = lifeEvent('2026-11-22T09:14:02.000Z', 'sessions.revoked', { data: { reason: 'logout' } });
  const blocked = lifeEvent('2026-11-22T08:00:00.000Z', 'sessions.address_changed', {
    address: ELSEWHERE,
    data: { blocked: true, previousAddress: HOME },
  });
  const summaryOf = (...events: LifeEvent[]) => summarizeLife(read(lifeSession(), events));
  t.match(summaryOf(started), { state: 'live', headline: /lives/ });
  t.match(summaryOf(started, ended), { state: 'ended', headline: /ended: logout/ });
  t.match(summaryOf(started, blocked), { state: 'refused', headline: /Requests from 198\.51\.100\.14/ });
  t.match(answerTo('From where?', summaryOf(started, blocked)), /^1 network got tokens/);
});

t.test('a session without recorded events begins with the login in its row', async (t) => {
  const { marks, path } = read(lifeSession({ generation: 0 }), []);
  t.match(marks, [{ kind: 'login', generation: 0, address: HOME }]);
  t.equal(path.length, 1);
});

t.test('a session whose events are gone has ended, and was stolen, if its row says so', async (t) => {
  const endedAt = '2026-11-27T07:11:38.000Z';
  const reused = read({ ...lifeSession(), endedAt, endReason: 'reuse' }, []);
  t.match(reused.end, { at: Date.parse(endedAt), reason: 'a token was replayed' });
  t.equal(reused.marks.at(-1)?.kind, 'end');
  const summary = summarizeLife(reused);
  t.equal(summary.state, 'stolen');
  t.match(summary.headline, /^Stolen: .* The audit log no longer has the event\.$/);
  t.match(answerTo('Is it over?', summary), /^The session ended at the replay/);
  const loggedOut = summarizeLife(read({ ...lifeSession(), endedAt, endReason: 'logout' }, []));
  t.equal(loggedOut.state, 'ended');
  t.match(loggedOut.headline, 'This session has ended: logout.');
  const marks = read({ ...lifeSession(), endedAt, endReason: 'reuse' }, THEFT).marks;
  t.same(marks, read(lifeSession(), THEFT).marks, 'a recorded end is shown once');
});

t.test('healings, refused proofs, new user agents and events of unknown types are marks', async (t) => {
  const at = '2026-11-22T09:14:02.000Z';
  const { marks } = read(lifeSession(), [
    lifeEvent(at, 'sessions.healed', {
      generation: 9,
      data: { storedGeneration: 3, presentedGeneration: 8 },
    }),
    lifeEvent(at, 'sessions.dpop_refused', { data: { reason: 'missing' } }),
    lifeEvent(at, 'sessions.claims_changed', { actor: { kind: 'service_key', name: 'backend' } }),
    lifeEvent(at, 'sessions.user_agent_changed', { generation: 10, data: { previousUserAgent: 'curl' } }),
    lifeEvent(at, 'sessions.started_on_new_device'),
  ]);
  t.match(marks, [
    { kind: 'login' },
    { kind: 'heal', generation: 9, facts: [/had generation 3.*presented 8/] },
    { kind: 'block', title: 'Refused without the key' },
    { kind: 'note', title: 'sessions.claims_changed', actor: 'service key backend' },
    { kind: 'agent', facts: ['Before: curl.'] },
    { kind: 'latest' },
  ]);
});

t.test('a duration has at most two units', async (t) => {
  const second = 1_000;
  t.equal(durationInWords(400), 'less than 1 s');
  t.equal(durationInWords(40 * second), '40 s');
  t.equal(durationInWords(7_500 * second), '2 h 5 min');
  t.equal(durationInWords(3 * 86_400 * second), '3 d');
  t.equal(durationInWords(13 * 86_400 * second + 7_200 * second), '13 d');
});

t.test(
  'a session past its end is shown as expired, and a session without a row is shown by its events',
  async (t) => {
    const started = lifeEvent('2026-11-21T09:14:02.000Z', 'sessions.started', { generation: 0 });
    const expired = lifeSession({ expiresAt: '2026-11-26T09:14:02.000Z' });
    t.match(summarizeLife(read(expired, [started])), { state: 'ended', headline: /its lifetime is over/ });
    const row = sessionOfEvents(expired.id, [{ ...started, userId: expired.userId }]);
    t.match(read(row, [started]), { userId: expired.userId, marks: [{ kind: 'login' }] });
  },
);

t.test(
  'a session without events, and events without address, user agent and data, can be shown',
  async (t) => {
    const gone = sessionOfEvents('one', []);
    t.match(gone, { id: 'one', userId: '', createdAt: '', createdIp: '', generation: 0 });
    const nothing = { address: null, userAgent: null } as const;
    const at = (hour: number) => `2026-11-27T0${hour}:00:00.000Z`;
    const life = read(lifeSession({ generation: 0 }), [
      { ...lifeEvent(at(1), 'sessions.address_changed', nothing), data: undefined } as never,
      {
        ...lifeEvent(at(2), 'sessions.reuse_detected', { ...nothing, actor: { kind: 'service_key' } }),
        data: undefined,
      } as never,
      {
        ...lifeEvent(at(3), 'sessions.revoked', { ...nothing, actor: { kind: 'operator', name: 'eve' } }),
        data: undefined,
      } as never,
    ]);
    const [login, first] = life.marks;
    t.equal(login?.kind, 'login', 'a session of an older release has no recorded login');
    t.match(first, { address: HOME, device: 'Safari 18 on macOS', generation: 0 });
    t.match(life.marks.map(({ actor }) => actor).filter(Boolean), ['service key', 'operator eve']);
    t.equal(life.replays[0]?.token.isExact, false);
    const early = read(lifeSession({ generation: 2, refreshedAt: at(2) }), [
      lifeEvent(at(1), 'sessions.started', { generation: 0 }),
      lifeEvent(at(3), 'sessions.reuse_detected', { ...nothing, data: { presentedGeneration: 9 } }),
    ]);
    t.equal(early.replays[0]?.token.issuedAt, Date.parse(at(3)), 'a generation that was never reached');
    const ended = read(lifeSession(), [lifeEvent(at(4), 'sessions.revoked', nothing)]);
    t.equal(ended.end?.at, Date.parse(at(4)));
  },
);

t.test('a refused proof key and a step-up by an unknown method are shown', async (t) => {
  const at = '2026-11-27T01:00:00.000Z';
  const factsOf = (type: string, data: LifeEvent['data']) =>
    read(lifeSession(), [lifeEvent(at, type, { data })])
      .marks.flatMap(({ facts }) => facts)
      .join(' ');
  t.match(factsOf('sessions.dpop_refused', { reason: 'missing' }), /The proof was missing/);
  t.match(factsOf('sessions.dpop_refused', { reason: 'other_key' }), /made with another key/);
  t.match(factsOf('sessions.stepped_up', { amr: [] }), /an unknown method/);
});

t.test('a time in another year is shown with its year', async (t) => {
  const [now, before] = [Date.UTC(2026, 0, 2), Date.UTC(2025, 11, 31, 23, 59)];
  t.equal(dayInWords(before, now), 'Wed 31 Dec 2025');
  t.equal(dayInWords(before, before), 'Wed 31 Dec');
  t.equal(momentInWords(now, before), 'Fri 2 Jan 2026, 00:00:00 UTC');
});
