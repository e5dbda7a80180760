import t, { type Test } from 'tap';
import { renderMail } from '../../src/app/delivery/mails/render-mail.ts';
import { hasMail } from '../../src/domain/events.ts';
import { CLIENT, CONTEXT, mailedEvents, SESSION } from '../support/mailed-events.ts';

const DEVICE = 'Firefox 140 on Linux';

function mailsWith({
  account = CONTEXT.accountName,
  ...client
}: Partial<typeof CLIENT & { account: string }>) {
  return mailedEvents({ ...CLIENT, ...client }).flatMap(
    (event) => renderMail(event, { ...CONTEXT, accountName: account }) ?? [],
  );
}

/** Parses the HTML as strictly as XML, and returns the visible text. */
function readVisibleText(t: Test, html: string): string {
  const open: string[] = [];
  const empty = new Set(['meta', 'hr', '!doctype']);
  const seen = html.replace(
    /<(\/?)([a-z!][a-z0-9]*)((?:\s[a-z-]+="[^"<>]*")*|\s+html)\s*>/g,
    (_tag, end, name) => {
      if (end === '/') t.equal(open.pop(), name, `</${name}> closes the innermost open element`);
      else if (!empty.has(name)) open.push(name);
      return '\n';
    },
  );
  t.same(open, [], 'all elements are closed');
  t.notMatch(seen, /[<>"']/, 'no stray markup');
  t.notMatch(seen, /&(?!(?:amp|lt|gt|quot|#39);)/, 'no stray ampersand');
  const entities = { '&lt;': '<', '&gt;': '>', '&quot;': '"', '&#39;': "'", '&amp;': '&' };
  return seen.replace(/&[^;]+;/g, (entity) => entities[entity as keyof typeof entities]);
}

t.test('exactly the events that cause a mail have a template', async (t) => {
  for (const event of mailedEvents())
    t.equal(renderMail(event, CONTEXT) !== null, hasMail(event), event.type);
});

t.test('a mail offers a link for a new password only if this service keeps the account', async (t) => {
  const types = ['sessions.reuse_detected', 'sessions.revoked', 'sessions.started_on_new_device'];
  const events = mailedEvents().filter(({ type }) => types.includes(type));
  t.same(new Set(events.map(({ type }) => type)), new Set(types));
  for (const event of events.filter(hasMail)) {
    t.match(
      renderMail(event, CONTEXT)?.text.replace(/\s+/g, ' '),
      /the next page offers a link/i,
      event.type,
    );
    const elsewhere = renderMail(event, { ...CONTEXT, isKeptHere: false })?.text.replace(/\s+/g, ' ');
    t.notMatch(elsewhere, /offers a link/, event.type);
    t.match(elsewhere, /change your password where you log in/, event.type);
  }
});

t.test('text and HTML contain the same facts and the advice', async (t) => {
  const subjects = new Set<string>();
  for (const event of mailedEvents().filter(hasMail)) {
    const mail = renderMail(event, CONTEXT);
    if (mail === null) throw new Error(`no mail about ${event.type}`);
    subjects.add(mail.subject);
    t.match(mail.subject, /^[\x20-\x7e]{10,60}$/);
    const facts = ['Bank of Ann', 'ann', '2 January 2026, 03:04 UTC', 'What to do'];
    facts.push('byOperator' in event.data ? 'If you did not ask for it' : 'If it was not you');
    if ('sessionId' in event.data) facts.push(SESSION.sessionId);
    if ('address' in event.data) facts.push(CLIENT.address, DEVICE);
    else if (!('byOperator' in event.data)) facts.push('not known', 'an unknown browser or app');
    if ('previousAddress' in event.data) facts.push('203.0.113.1');
    const shown = readVisibleText(t, mail.html);
    for (const fact of [mail.subject, ...facts]) {
      t.ok(mail.text.includes(fact), `text: ${fact}`);
      t.ok(shown.includes(fact), `HTML: ${fact}`);
    }
  }
  t.equal(subjects.size, 17);
});

t.test('a mail shows nothing of the text of an unknown user agent', async (t) => {
  for (const userAgent of [
    'Canary/1.0',
    'Canary.example/2 (Windows NT 10.0)',
    'Mozilla/5.0 (Canary) Canary/3',
  ]) {
    const mails = mailsWith({ userAgent });
    t.equal(mails.length, 22);
    for (const { text, html } of mails) t.notMatch(text + html, /canary/i);
  }
});

t.test('a mail about an ended session or a changed password links to the end of all sessions', async (t) => {
  const labels = mailedEvents()
    .filter(hasMail)
    .map((event) => {
      const { text = '' } = renderMail(event, { ...CONTEXT, link: 'https://auth.example.com/x' }) ?? {};
      return `${event.type}: ${/^(.*):\nhttps:/m.exec(text)?.[1]}`;
    });
  t.same(
    [...new Set(labels)],
    [
      'sessions.reuse_detected: It was not me: end all sessions',
      'sessions.address_changed: It was not me: end this session',
      'sessions.user_agent_changed: It was not me: end this session',
      'sessions.dpop_refused: It was not me: end this session',
      'sessions.revoked: It was not me: end all sessions',
      'users.password_changed: It was not me: end all sessions',
      'users.factor_added: It was not me: end all sessions',
      'users.factor_removed: It was not me: end all sessions',
      'users.password_forgotten: Choose a new password',
      'users.invited: Choose a password',
      'users.email_verification_requested: Confirm the address',
      'users.email_change_requested: Confirm the new address',
      'users.email_change_announced: It was not me: keep this address',
      'users.email_replaced: undefined',
      'sessions.started_on_new_device: It was not me: end this session',
    ],
  );
});

t.test('the time is shown in UTC, also just before and at midnight', async (t) => {
  for (const [at, shown] of [
    [Date.UTC(2024, 1, 29, 23, 59, 59, 999), '29 February 2024, 23:59 UTC'],
    [Date.UTC(2026, 11, 31), '31 December 2026, 00:00 UTC'],
  ] as const) {
    const [event] = mailedEvents();
    t.match(event && renderMail({ ...event, occurredAt: at }, CONTEXT)?.text, shown);
  }
});

t.test('the HTML loads nothing, has no links and sets no color', async (t) => {
  for (const { html } of mailsWith({})) {
    t.notMatch(html, /<(?:img|a|link|script|style|iframe|form)\b|url\(|https?:|(?<!-)\bcolor:|background/i);
  }
});

t.test('untrusted HTML is shown as text', async (t) => {
  const account = `<script>alert("x")</script> <img src=x onerror='y'> &amp; <a href="//evil">`;
  for (const { text, html } of mailsWith({ account, address: '<b>198.51.100.7</b>' })) {
    const shown = readVisibleText(t, html);
    t.ok(shown.includes(account));
    t.ok(text.includes(account));
    t.notMatch(html, /<(?:script|img|a|b)\b/);
  }
});

t.test('an untrusted value stays on its line', async (t) => {
  const forged = [
    'x\r\n\r\nFrom the service: pay at once',
    'a\nb',
    'a\u2028b',
    'a\u2029b',
    'a\u0085b',
    'a\vb\fc',
  ];
  const [plain] = mailsWith({});
  for (const value of forged) {
    const [mail] = mailsWith({ account: value, address: value });
    t.equal(mail?.text.split(/[\r\n\v\f\u0085\u2028\u2029]/).length, plain?.text.split('\n').length);
    t.equal(mail?.subject, plain?.subject);
  }
});

t.test('control, invisible and direction characters are removed', async (t) => {
  const marks =
    '\0\x07\x1b[31m\x7f\u009b\u00ad\u200b\u200e\u200f\u202a\u202e\u2066\u2069\ufeff\ud800\u{e0041}';
  for (const { subject, text, html } of mailsWith({ account: `before${marks}after`, address: marks })) {
    for (const part of [subject, text, html]) t.notMatch(part, /[^\P{Cc}\n]|\p{Cf}|\p{Cs}/u);
  }
  t.match(mailsWith({ account: `before${marks}after` })[0]?.text, 'before [31m after');
  t.match(mailsWith({ address: marks.replace('[31m', '') })[0]?.text, 'Address: not known');
});

t.test('no untrusted text becomes a link in a mail program', async (t) => {
  const account = 'Visit https://evil.example/login or www.evil.example, ann@evil.example; bot/2.1';
  for (const { text, html } of mailsWith({ account })) {
    t.notMatch(text, /:\/\/|evil\.|www\./);
    t.notMatch(html, /:\/\/|evil\.|www\./);
  }
  t.match(mailsWith({ account })[0]?.text, 'https[:]//evil[.]example/login', 'the text is still readable');
  t.match(mailsWith({ account })[0]?.text, 'bot/2.1');
});

t.test('a long value is cut between characters', async (t) => {
  const [mail] = mailsWith({ account: '😀'.repeat(5_000) });
  t.match(mail?.text, `${'😀'.repeat(199)}…\n`);
  t.notMatch(mail?.text, '😀'.repeat(200));
  t.match(mailsWith({ account: 'x'.repeat(200) })[0]?.text, `${'x'.repeat(200)}\n`);
});
