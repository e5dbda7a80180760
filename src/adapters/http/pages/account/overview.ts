import type { Me } from '../../../../app/accounts/describe-me.ts';
import type { ListedFactors } from '../../../../app/factors/list-factors.ts';
import type { SessionPage } from '../../../../app/sessions/list-sessions.ts';
import type { AuditEvent } from '../../../../domain/audit.ts';
import type { TokenFamily } from '../../../../domain/token-family.ts';
import { escapeHtml } from '../../../../lib/html.ts';
import { describeUserAgent } from '../../server/describe-user-agent.ts';
import { renderButtonForm } from '../form.ts';
import { type Page, renderName } from '../layout.ts';
import { activitySection } from './activity.ts';
import { describeFactor } from './factor-views.ts';
import { formatTime, renderTime } from './times.ts';

/** What the page of a signed-in user shows. */
export interface AccountOverview {
  readonly me: Me;
  readonly factors: ListedFactors;
  readonly sessions: SessionPage;
  /** Whether this is the first page of the sessions. */
  readonly isFirst: boolean;
  /** The newest events of the user. */
  readonly activity: readonly AuditEvent[];
  /** Whether a link that proves a new address can be mailed. */
  readonly sendsMails: boolean;
  /** Whether a link that proves the present address can be mailed. */
  readonly mailsVerification: boolean;
  /** What the form for another link did; null: the user opened the page. */
  readonly linkMail: LinkMail | null;
}

/** A link was mailed to an address, or the request for it was refused. */
export type LinkMail = { readonly sentTo: string } | { readonly error: string };

/** The path of the form for another link that proves the address. */
export const VERIFICATION_FORM = '/account/email/verification';
/** The button of that form. */
export const VERIFICATION_BUTTON = 'Mail me the link again';

/** The page of a signed-in user: the account, the sessions with a button to end each, and what happened. */
export function overviewPage(overview: AccountOverview): Page {
  const { me, factors, sessions, isFirst, activity, linkMail } = overview;
  const { items, nextCursor } = sessions;
  const hasAll = isFirst && nextCursor === undefined;
  const others = items.filter(({ tokenFamily }) => tokenFamily !== me.sessionId);
  const latest = hasAll ? latestOf(others) : undefined;
  const markOf = ({ tokenFamily }: TokenFamily) => {
    if (tokenFamily === me.sessionId) return 'This page';
    return tokenFamily === latest?.tokenFamily ? 'Used most recently' : null;
  };
  return {
    title: 'Your account',
    hasError: linkMail !== null && 'error' in linkMail,
    content: `${accountSection(overview)}
${factorsSection(factors)}<h2>Your sessions</h2>
<p>A session is a device or an app in which you are logged in. End each session that you do not know, and then <a href="/account/password">change your password</a>.</p>
<ul class="cards">
${items.map((family) => sessionCard(family, markOf(family))).join('\n')}
</ul>
${nextCursor === undefined ? '' : `<p><a href="/account?cursor=${encodeURIComponent(nextCursor)}">Older sessions</a></p>\n`}<form method="post" action="/account/sessions/end-all">
<button name="scope" value="others" class="secondary">End all other sessions</button>
<button name="scope" value="all" class="secondary">End all sessions</button>
</form>
${activitySection(activity)}`,
  };
}

/** The family that was refreshed last. */
function latestOf(families: readonly TokenFamily[]): TokenFamily | undefined {
  return families.toSorted((one, other) => other.rotatedAt - one.rotatedAt)[0];
}

function accountSection(overview: AccountOverview): string {
  const { username, email, emailVerified } = overview.me;
  const address =
    email === undefined
      ? ''
      : ` The address of the account is ${renderName(email)}${emailVerified === true ? '' : ', which is not confirmed'}.`;
  return `${username === undefined ? '' : `<p>You are signed in as ${renderName(username)}.${address}</p>\n`}${verificationSection(overview)}<ul>
<li><a href="/account/password">Change your password</a></li>
${overview.sendsMails ? '<li><a href="/account/email">Change your address</a></li>\n' : ''}<li><a href="/account/factors">Change your second factors</a></li>
</ul>
${renderButtonForm({ action: '/account/sign-out', button: 'Sign out' })}`;
}

/** For an address that is not confirmed: the button that mails another link, and what it did. */
function verificationSection({ me, mailsVerification, linkMail }: AccountOverview): string {
  if (!mailsVerification || me.emailVerified !== false) return '';
  return `${describeLinkMail(linkMail)}${renderButtonForm({ action: VERIFICATION_FORM, button: VERIFICATION_BUTTON })}\n`;
}

function describeLinkMail(linkMail: LinkMail | null): string {
  if (linkMail === null) return '';
  return 'error' in linkMail
    ? `<p class="error" role="alert">${escapeHtml(linkMail.error)}</p>\n`
    : `<p role="status">A mail with the link is on its way to ${renderName(linkMail.sentTo)}.</p>\n`;
}

/** The second factors of the account. */
function factorsSection({ factors, recoveryCodes }: ListedFactors): string {
  if (factors.length === 0)
    return '<h2>Second factors</h2>\n<p>Your account has no second factor: the password alone signs you in.</p>\n';
  const items = factors.map((factor) => `<li>${describeFactor(factor)}</li>`);
  return `<h2>Second factors</h2>
<ul>
${items.join('\n')}
</ul>
<p>Unused recovery codes: ${recoveryCodes}.</p>
`;
}

function sessionCard(family: TokenFamily, mark: string | null): string {
  const { deviceName } = family;
  const browser = describeUserAgent(family.userAgent);
  const heading = deviceName ?? browser;
  const ending = renderButtonForm({
    action: '/account/sessions/end',
    hidden: { id: family.tokenFamily },
    button: 'End the session',
    label: `End the session: ${heading}, since ${formatTime(family.createdAt)}`,
  });
  return `<li>
<h3><bdi>${escapeHtml(heading)}</bdi></h3>
${mark === null ? '' : `<p class="mark">${mark}</p>\n`}<dl>
${deviceName === null ? '' : `<div><dt>Browser or app</dt><dd><bdi>${escapeHtml(browser)}</bdi></dd></div>\n`}<div><dt>Logged in</dt><dd>${renderTime(family.createdAt)}, from ${escapeHtml(family.loginAddress)}</dd></div>
<div><dt>Last used</dt><dd>${renderTime(family.rotatedAt)}, from ${escapeHtml(family.address)}</dd></div>
</dl>
${ending}
</li>`;
}
