import { randomUUID } from 'node:crypto';
import t from 'tap';
import { createSessionSet } from '../../packages/verify/src/session-set.ts';

t.test('a set contains the added sessions, and no others', async (t) => {
  const set = createSessionSet(100_000);
  const added = Array.from({ length: 50_000 }, () => randomUUID());
  t.ok(added.every((sid) => set.add(sid, 7)));
  t.ok(
    added.every((sid) => set.add(sid, 8)),
    'a session may be added again',
  );
  t.equal(set.size(), added.length);
  t.ok(added.every(set.has));
  t.equal(Array.from({ length: 50_000 }, () => randomUUID()).filter(set.has).length, 0);
});

t.test('ids that differ in one digit are different', async (t) => {
  const set = createSessionSet(10);
  const sid = randomUUID();
  set.add(sid, 1);
  for (const at of [0, 9, 20, 35]) {
    const other = sid.slice(0, at) + (sid[at] === 'a' ? 'b' : 'a') + sid.slice(at + 1);
    t.notOk(set.has(other), other);
  }
});

t.test('a full set refuses another session until old sessions may be removed', async (t) => {
  const set = createSessionSet(3);
  const [one = '', two = '', three = '', four = ''] = Array.from({ length: 4 }, () => randomUUID());
  set.add(one, 10);
  set.add(two, 20);
  set.add(three, 30);
  t.notOk(set.add(four, 40));
  t.ok(set.add(three, 31), 'a session of the set fits');
  set.dropBefore(20);
  t.ok(set.add(four, 40));
  t.same([one, two, three, four].map(set.has), [false, true, true, true]);
});

t.test('the memory of a set does not grow with sessions that may be removed', async (t) => {
  const set = createSessionSet(1_000_000);
  for (let second = 1; second <= 100_000; second += 1) {
    set.dropBefore(second - 100);
    set.add(randomUUID(), second);
  }
  t.ok(set.size() < 1_024, `${set.size()} sessions`);
});

t.test('text that is no session id is neither added nor found', async (t) => {
  const set = createSessionSet(10);
  for (const sid of ['', 'x', randomUUID().toUpperCase(), `${randomUUID()}0`]) {
    t.notOk(set.add(sid, 1), sid);
    t.notOk(set.has(sid), sid);
  }
});
