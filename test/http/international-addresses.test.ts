import t from 'tap';
import { startHttpService } from '../support/http.ts';
import { PASSWORD } from '../support/passwords.ts';

const UNICODE = 'ann@bücher.example';
const ASCII = 'ann@xn--bcher-kva.example';

t.test('both spellings of an international domain are one address, shown in Unicode', async (t) => {
  const { post, send, users, outbox, time } = await startHttpService(t, { emailVerification: 'optional' });
  const registered = await post('/auth/register', { username: 'ann', email: UNICODE, password: PASSWORD });
  t.match(registered, { status: 201, body: { email: UNICODE } });
  t.match(await users.findByIdentifier('ann'), { email: ASCII });
  const mails = await outbox.claim('mail', time.now, time.now, 10);
  t.match(mails, [{ contact: ASCII, event: { data: { email: ASCII } } }], 'mails go to the ASCII form');
  for (const email of [ASCII, UNICODE, 'ANN@BÜCHER.example', 'ann@bu\u0308cher.example']) {
    const twin = await post('/auth/register', { username: 'eve', email, password: PASSWORD });
    t.match(twin, { status: 409, body: { code: 'conflict' } }, email);
    const { status, body } = await post('/auth/login', { username: email, password: PASSWORD });
    t.equal(status, 200, email);
    const me = await send('/auth/me', { headers: { authorization: `Bearer ${body.access}` } });
    t.match(me.body, { username: 'ann', email: UNICODE });
    t.equal((await post('/auth/password/forgot', { email })).status, 202);
    t.equal((await post('/auth/email/verification', { email })).status, 202);
  }
});

t.test('a name may be an address with an international domain', async (t) => {
  const { post, users } = await startHttpService(t);
  for (const [username, email] of [
    ['ann@почта.рф', 'ann@xn--80a1acny.xn--p1ai'],
    ['bob@xn--80a1acny.xn--p1ai', 'bob@почта.рф'],
  ] as const) {
    const { status, body } = await post('/auth/register', { username, email, password: PASSWORD });
    t.equal(status, 201, JSON.stringify(body));
    t.match(body.username, /@почта\.рф$/);
    const user = await users.find(String(body.id));
    t.equal(user?.username, user?.email);
    t.equal((await post('/auth/login', { username, password: PASSWORD })).status, 200);
  }
});

t.test('an address that has no ASCII form is refused, and the reason names the part', async (t) => {
  const { post } = await startHttpService(t);
  for (const [email, detail] of [
    ['änn@example.com', /only ASCII characters before the @/],
    ['ann\u200b@example.com', /only ASCII characters before the @/],
    ['ann@xn--a.example', /must be one mailbox/],
    ['ann@b\u200eücher.example', /must be one mailbox/],
    ['ann@bücher', /must be one mailbox/],
    ['ann@bücher.example:25', /must be one mailbox/],
    ['ann@bü%63her.example', /must be one mailbox/],
    ['ann@bücher.example, eve@example.com', /must be one mailbox/],
    [`ann@${'ü'.repeat(64)}.example`, /must be one mailbox/],
  ] as const) {
    const { status, body } = await post('/auth/register', { username: 'ann', email, password: PASSWORD });
    t.equal(status, 400, email);
    t.match(body.detail, detail, email);
  }
});
