import t from 'tap';
import { renderDigest } from '../../src/app/delivery/mails/render-digest.ts';
import { renderMail } from '../../src/app/delivery/mails/render-mail.ts';
import { hasMail } from '../../src/domain/events.ts';
import { launchChromium } from '../support/chromium.ts';
import { CLIENT, CONTEXT, mailedEvents } from '../support/mailed-events.ts';
import { renderingChecks } from '../support/rendering.ts';

t.test('every mail is accessible and fits a phone, in light and dark, without scripts', async (t) => {
  const browser = await launchChromium(t);
  if (browser === null) return;
  const check = await renderingChecks(t, browser);
  const client = { ...CLIENT, address: '2001:db8:1111:2222:3333:4444:5555:6666' };
  const context = { ...CONTEXT, link: `https://auth.example.com/auth/not-me?token=${'t'.repeat(150)}` };
  const names = ['ann', 'm'.repeat(64), '\u0627\u0633\u0645'.repeat(20), '<img src=x onerror=alert(1)>'];
  const events = mailedEvents(client).filter(hasMail);
  for (const [index, event] of events.entries()) {
    const account = names[index % names.length] ?? '';
    const { html = '', subject = '' } = renderMail(event, { ...context, accountName: account }) ?? {};
    await check(`mail ${index} ${subject}`, (page) => page.setContent(html));
  }
  const items = events.map((event) => ({ event, context }));
  const { html } = renderDigest('Bank of Ann', items);
  await check('mail digest', (page) => page.setContent(html));
});
