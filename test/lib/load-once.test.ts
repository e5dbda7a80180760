import t from 'tap';
import { loadOnce } from '../../src/lib/load-once.ts';

t.test(
  'concurrent and later calls share one success, and a failure only with concurrent calls',
  async (t) => {
    let calls = 0;
    const load = loadOnce(async () => {
      calls += 1;
      if (calls === 1) throw new Error('too few descriptors');
      return calls;
    });
    const failed = await Promise.allSettled([load(), load()]);
    t.match(failed, [{ status: 'rejected' }, { status: 'rejected' }]);
    t.equal(calls, 1);
    t.same(await Promise.all([load(), load()]), [2, 2]);
    t.equal(await load(), 2);
  },
);
