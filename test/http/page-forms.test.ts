import { randomUUID } from 'node:crypto';
import t, { type Test } from 'tap';
import { startHttpService } from '../support/http.ts';

const FORM = { 'content-type': 'application/x-www-form-urlencoded' };
const JSON_TYPE = { 'content-type': 'application/json' };

async function pages(t: Test) {
  const service = await startHttpService(t);
  await service.logIn();
  const { links, time } = service;
  return {
    ...service,
    forms: {
      '/auth/not-me': `token=${links.makeNotMeToken(randomUUID(), randomUUID(), time.now + 1_000)}`,
      '/auth/email/verify': 'token=unknown',
      '/auth/email/change': 'token=unknown',
      '/auth/email/undo': 'token=unknown',
      '/auth/password/reset': 'token=unknown&newPassword=a+green+piano+44',
    },
    submit: (path: string, body: string, headers: Record<string, string>) =>
      fetch(service.url + path, { method: 'POST', body, headers }).then(async (response) => ({
        status: response.status,
        text: await response.text(),
      })),
  };
}

t.test('a form with an unknown or a repeated member is refused with 400', async (t) => {
  const { forms, submit } = await pages(t);
  for (const [path, form] of Object.entries(forms)) {
    const good = (await submit(path, form, FORM)).status;
    t.ok(good === 200 || good === 403, `${path}: the form itself is as documented (${good})`);
    const wrong = [
      '&other=1',
      '&other=',
      '&__proto__=1',
      '&constructor=1',
      `&${form}`,
      '&token=',
      '&Token=x',
    ];
    for (const more of wrong) {
      const { status, text } = await submit(path, form + more, FORM);
      t.equal(status, 400, `${path} ${more}`);
      t.match(text, /<!doctype html>/);
    }
    const members = Object.fromEntries(new URLSearchParams(form));
    for (const more of [{ other: 1 }, { token: ['a'] }, { token: 1 }]) {
      const { status } = await submit(path, JSON.stringify({ ...members, ...more }), JSON_TYPE);
      t.equal(status, 400, `${path} ${JSON.stringify(more)}`);
    }
  }
});

t.test('a link still shows its page if a mail program has added a parameter', async (t) => {
  const { forms, url } = await pages(t);
  const path = `/auth/not-me?${forms['/auth/not-me']}&utm_source=mail`;
  t.equal((await fetch(url + path)).status, 200);
});
