import t from 'tap';
import { createLinkSecrets } from '../../src/adapters/secrets/link-secrets.ts';
import { linkTo } from '../../src/app/delivery/link-to.ts';
import { renderMail } from '../../src/app/delivery/mails/render-mail.ts';
import type { DomainEvent } from '../../src/domain/events.ts';
import { NOW } from '../support/families.ts';
import { HOME, someKey } from '../support/sessions.ts';

const userId = '11111111-1111-4111-8111-111111111111';
const sessionId = '22222222-2222-4222-8222-222222222222';
const resetId = '33333333-3333-4333-8333-333333333333';
const DAY = 86_400_000;

const keys = [someKey('hash-1')];
const links = createLinkSecrets(keys);
const linkFor = linkTo({ links, publicUrl: 'https://auth.example.com' });

const words = {
  serviceName: 'auth.example.com',
  accountName: 'ann',
  isKeptHere: true,
  describeDevice: () => null,
};

const forgotten: DomainEvent = {
  type: 'users.password_forgotten',
  occurredAt: NOW,
  data: { userId, resetId, ...HOME },
};
const unverified: DomainEvent = {
  type: 'users.email_verification_requested',
  occurredAt: NOW,
  data: { userId, linkId: resetId, email: 'ann@example.com', ...HOME },
};
const moved: DomainEvent = {
  type: 'sessions.address_changed',
  occurredAt: NOW,
  data: { userId, sessionId, ...HOME, previousAddress: '192.0.2.1', blocked: false },
};
const changed: DomainEvent = { type: 'users.password_changed', occurredAt: NOW, data: { userId, ...HOME } };

t.test('a link that was recorded before the hash key changed is mailed under its own key', async (t) => {
  const [old, next] = [someKey('hash-1'), someKey('hash-2')];
  const before = createLinkSecrets([old]);
  const id = before.makeLinkId(resetId);
  for (const secrets of [
    [next, old],
    [old, next],
  ].map((list) => createLinkSecrets(list))) {
    t.equal(secrets.makeResetSecret(id), before.makeResetSecret(id));
    t.equal(secrets.makeAddressSecret(id), before.makeAddressSecret(id));
  }
  const after = createLinkSecrets([next, old]);
  t.equal(
    createLinkSecrets([old, next]).makeResetSecret(after.makeLinkId(resetId)),
    after.makeResetSecret(after.makeLinkId(resetId)),
    'also if a replica with the new key recorded the link',
  );
});

t.test(
  'links lead to this service, and a link does not contain the id from which it is derived',
  async (t) => {
    const reset = new URL(linkFor(forgotten) ?? '');
    t.equal(`${reset.origin}${reset.pathname}`, 'https://auth.example.com/auth/password/reset');
    t.equal(
      reset.searchParams.get('token'),
      links.makeResetSecret(resetId),
      'the same whenever the mail is sent',
    );
    t.notMatch(reset.href, resetId);
    const verify = new URL(linkFor(unverified) ?? '');
    t.equal(`${verify.origin}${verify.pathname}`, 'https://auth.example.com/auth/email/verify');
    t.equal(verify.searchParams.get('token'), links.makeAddressSecret(resetId));
    t.notMatch(verify.href, resetId);
    t.not(
      links.makeAddressSecret(resetId),
      links.makeResetSecret(resetId),
      'each kind of link has a key of its own',
    );

    const token = new URL(linkFor(moved) ?? '').searchParams.get('token') ?? '';
    t.same(links.readNotMeToken(token, NOW + 7 * DAY - 1), { sessionId, userId });
    t.equal(links.readNotMeToken(token, NOW + 7 * DAY), null, 'the token is valid for a week');
    const all = new URL(linkFor(changed) ?? '').searchParams.get('token') ?? '';
    t.same(links.readNotMeToken(all, NOW), { sessionId: null, userId }, 'all sessions of the user');
    t.equal(links.readNotMeToken(token.replace(sessionId, ''), NOW), null, 'one session never becomes all');
  },
);

t.test('links of an older key stay valid, and links of an unknown key are refused', async (t) => {
  const token = links.makeNotMeToken(sessionId, userId, NOW + DAY);
  t.same(createLinkSecrets([someKey('hash-2'), ...keys]).readNotMeToken(token, NOW), { sessionId, userId });
  t.equal(createLinkSecrets([someKey('hash-1')]).readNotMeToken(token, NOW), null);
  t.equal(links.readNotMeToken(`${token}.x`, NOW), null);
  t.equal(links.readNotMeToken('', NOW), null);
});

t.test('text and HTML of a mail contain the link', async (t) => {
  for (const event of [forgotten, moved]) {
    const url = linkFor(event) ?? '';
    const mail = renderMail(event, { ...words, link: url });
    t.ok(mail?.text.includes(`:\n${url}\n`), event.type);
    t.ok(mail?.html.includes(`<a href="${url}" `), event.type);
  }
  const mail = renderMail(changed, { ...words, link: null });
  t.match(mail?.subject, /password was changed/);
  t.notMatch(mail?.html, '<a ');
  t.match(mail?.text, HOME.address);
});
