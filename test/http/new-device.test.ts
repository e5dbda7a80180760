import t, { type Test } from 'tap';
import { linkTo } from '../../src/app/delivery/link-to.ts';
import { renderMail } from '../../src/app/delivery/mails/render-mail.ts';
import type { NewDevicePolicy } from '../../src/domain/policy.ts';
import { startHttpService } from '../support/http.ts';
import { PASSWORD } from '../support/passwords.ts';

async function withAnn(t: Test, onNewDevice: NewDevicePolicy) {
  const http = { trustProxy: ['127.0.0.1'] };
  const service = await startHttpService(t, { http, policy: { onNewDevice, onAddressChange: 'ignore' } });
  const { post, send, outbox, time } = service;
  await post('/auth/register', { username: 'ann', email: 'ann@example.com', password: PASSWORD });
  const from = (address: string) => ({ 'x-forwarded-for': address });
  return {
    ...service,
    logInFrom: async (address: string) =>
      (await post('/auth/login', { username: 'ann', password: PASSWORD }, from(address))).body,
    next: ({ access, refresh }: Record<string, unknown>, address: string) =>
      post('/auth/refresh', { accessToken: access, refreshToken: refresh }, from(address)),
    isLive: async ({ access }: Record<string, unknown>) =>
      (await send('/auth/me', { headers: { authorization: `Bearer ${access}` } })).status === 200,
    claimMails: async () =>
      (await outbox.claim('mail', time.now, time.now, 100))
        .map(({ event }) => event)
        .filter(({ type }) => type === 'sessions.started_on_new_device'),
  };
}

t.test('a login from a new network causes one mail, and the link in it ends that session', async (t) => {
  const { logInFrom, next, claimMails, isLive, links, url, outbox, time } = await withAnn(t, 'notify');
  const first = await logInFrom('203.0.113.1');
  await logInFrom('203.0.113.1');
  await next(first, '192.0.2.9');
  await logInFrom('192.0.2.9');
  t.same(await claimMails(), [], 'the first session, a known network, and the network of a refresh');

  const thief = await logInFrom('198.51.100.66');
  await logInFrom('198.51.100.66');
  const [mail, ...more] = await claimMails();
  t.same(more, []);
  if (mail === undefined) throw new Error('no mail');
  t.match(mail, { data: { address: '198.51.100.66' } });
  const link = linkTo({ links, publicUrl: url })(mail) ?? '';
  const words = {
    serviceName: 'Bank of Ann',
    accountName: 'ann',
    isKeptHere: true,
    describeDevice: () => 'Firefox 145 on Linux',
    link,
  };
  const rendered = renderMail(mail, words);
  t.match(rendered?.subject, /^New sign-in/);
  for (const fact of ['Firefox 145 on Linux', '198.51.100.66', '2 January 2026, 03:04 UTC', link])
    t.ok(rendered?.text.includes(fact), fact);

  t.match(await (await fetch(link)).text(), /End this session/);
  t.equal(await isLive(thief), true, 'the page of the link ends nothing');
  const token = new URL(link).searchParams.get('token') ?? '';
  const ended = await fetch(`${url}/auth/not-me`, { method: 'POST', body: new URLSearchParams({ token }) });
  t.match(await ended.text(), /Mail me a link/, 'a link for a new password is offered');
  t.equal(await isLive(thief), false);

  const events = await outbox.claim('event', time.now, time.now, 100);
  t.notOk(
    events.some(({ event }) => event.type === 'sessions.started_on_new_device'),
    'a new device causes a mail, and no event',
  );
});

t.test('ON_NEW_DEVICE=ignore causes no mail', async (t) => {
  const { logInFrom, claimMails } = await withAnn(t, 'ignore');
  for (const address of ['203.0.113.1', '198.51.100.66']) await logInFrom(address);
  t.same(await claimMails(), []);
});
