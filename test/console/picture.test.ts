import fc from 'fast-check';
import t from 'tap';
import { drawLife } from '../../console/src/picture/draw-life.ts';
import { layOutLife } from '../../console/src/picture/geometry.ts';
import { renderSvg, type SvgNode } from '../../console/src/picture/svg.ts';
import { createTimeScale } from '../../console/src/picture/time-scale.ts';
import { describeUserAgent } from '../../src/adapters/http/server/describe-user-agent.ts';
import type { LifeEvent, LifeSession } from '../../src/domain/life/life.ts';
import { readLife } from '../../src/domain/life/read-life.ts';
import { ELSEWHERE, HOME, lifeEvent, lifeSession, THEFT } from '../support/example-events.ts';

const NOW = Date.parse('2026-11-28T00:00:00.000Z');

const read = (session: LifeSession, events: readonly LifeEvent[]) =>
  readLife(session, events, NOW, describeUserAgent);

const theft = read(lifeSession(), THEFT);

function elements(node: SvgNode): readonly SvgNode[] {
  return [node, ...node.children.flatMap((child) => (typeof child === 'string' ? [] : elements(child)))];
}

const withClass = (node: SvgNode, name: string) =>
  elements(node).filter(({ attributes }) =>
    String(attributes.class ?? '')
      .split(' ')
      .includes(name),
  );

t.test('every mark can have the focus, is labelled with all its facts, and links to its row', async (t) => {
  const links = elements(drawLife(theft, { width: 1_000 })).filter(({ tag }) => tag === 'a');
  t.same(
    links.map(({ attributes }) => attributes.href),
    ['#event-1', '#event-2', '#event-3', '#event-4', '#event-5', '#event-6'],
  );
  const words = String(links[5]?.attributes['aria-label']);
  for (const fact of ['Replayed token', 'Fri 27 Nov, 07:11:38 UTC', 'generation 57', ELSEWHERE, 'curl/8.5.0'])
    t.ok(words.includes(fact), fact);
});

t.test('the picture has a title, and a description of the theft', async (t) => {
  const [title, description] = drawLife(theft, { width: 1_000 }).children as SvgNode[];
  t.equal(title?.tag, 'title');
  t.match(description?.children[0], /^Stolen: the token of generation 57.*The replay was refused/);
});

t.test('a line leads from the replay to the lane, time and generation of its token', async (t) => {
  const { origins, marks, lanes } = layOutLife(theft, 1_000, 0);
  const [origin] = origins;
  const home = lanes.find(({ name }) => name === HOME);
  t.ok(origin && home && origin.y > home.top && origin.y < home.top + home.height);
  const place = (number: number) => marks.find(({ mark }) => mark.number === number);
  t.ok(origin && origin.x > (place(4)?.x ?? Infinity) && origin.x < (place(5)?.x ?? 0));
  t.ok(origin && origin.y < (place(4)?.y ?? 0) && origin.y > (place(5)?.y ?? Infinity));
  t.equal(withClass(drawLife(theft, { width: 1_000 }), 'replay-line').length, 2, 'the line, and its legend');
});

t.test(
  'each network has a lane, with the network of the login at the bottom and the network without a token at the top',
  async (t) => {
    const { lanes } = layOutLife(theft, 1_000, 0);
    t.match(lanes, [{ name: HOME }, { name: '203.0.113.20' }, { name: ELSEWHERE, isForeign: true }]);
    t.ok((lanes[0]?.top ?? 0) > (lanes[2]?.top ?? 0));
  },
);

t.test('the line has the color of the device that held the tokens', async (t) => {
  const paths = withClass(drawLife(theft, { width: 1_000 }), 'path').map(
    ({ attributes }) => attributes.class,
  );
  t.same(paths.slice(0, 5), [
    'path device-0',
    'path device-0',
    'path device-1',
    'path device-0',
    'path device-0',
  ]);
});

t.test('untrusted text is shown as text in the picture', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 80 }), async (text) => {
      const evil = `</text><script>alert(1)</script>"'&${text}`;
      const events = [
        lifeEvent('2026-11-21T09:14:02.000Z', 'sessions.started', { userAgent: evil, address: evil }),
        lifeEvent('2026-11-21T09:15:02.000Z', evil, { actor: { kind: 'service_key', name: evil } }),
        lifeEvent('2026-11-21T09:16:02.000Z', 'sessions.revoked', { data: { reason: evil } }),
      ];
      const picture = drawLife(read(lifeSession(), events), { width: 400, heading: true });
      const markup = renderSvg(picture);
      t.equal(markup.match(/</g)?.length, 2 * elements(picture).length);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: XML does not allow these characters
      t.notMatch(markup, /[\u0000-\u0008]/);
    }),
    { numRuns: 30 },
  );
});

t.test('the picture of a session with thousands of events has a bounded size', async (t) => {
  const events = Array.from({ length: 3_000 }, (_, index) =>
    lifeEvent(
      new Date(Date.parse('2026-11-21T10:00:00Z') + index * 60_000).toISOString(),
      'sessions.address_changed',
      {
        address: `203.0.113.${index % 200}`,
        userAgent: `agent-${index}/1`,
        generation: index,
        data: { previousAddress: HOME, blocked: index % 7 === 0 },
      },
    ),
  );
  const life = read(lifeSession(), events);
  const picture = drawLife(life, { width: 360 });
  t.equal(elements(picture).filter(({ tag }) => tag === 'a').length, 150);
  t.ok(withClass(picture, 'lane').length <= 7);
  t.ok(life.marks.length > 3_000);
});

t.test('no mark covers another one', async (t) => {
  const at = '2026-11-22T09:00:00.000Z';
  const events = Array.from({ length: 12 }, (_, index) => lifeEvent(at, `note.${index}`));
  const { marks, radius } = layOutLife(read(lifeSession(), events), 360, 0);
  t.ok(marks.length >= 12);
  for (const one of marks)
    for (const other of marks)
      if (one !== other)
        t.ok(Math.max(Math.abs(one.x - other.x), Math.abs(one.y - other.y)) >= 2 * radius, 'apart');
});

t.test(
  'later events are further to the right, and events seconds apart stay apart in a session of weeks',
  async (t) => {
    const week = 7 * 86_400_000;
    const scale = createTimeScale([0, week, week + 1_000, week + 3_000], 0, 600);
    const positions = [0, week / 2, week, week + 1_000, week + 2_000, week + 3_000].map(scale);
    t.same(
      positions,
      [...positions].sort((one, other) => one - other),
    );
    t.ok((positions[3] ?? 0) - (positions[2] ?? 0) >= 34);
    t.ok(Math.abs((positions.at(-1) ?? 0) - 600) < 0.001);
    t.equal(createTimeScale([5], 0, 600)(5), 300);
  },
);
