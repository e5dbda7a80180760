import type { ClientInfo } from '../../../domain/client-info.ts';
import { withUnicodeDomain } from '../../../lib/domain-names.ts';
import type { MailContent } from './layout.ts';
import { quoteText } from './quote-text.ts';

/** The account of a user as mails name it. */
export interface MailedAccount {
  /** The user's name, or the user id where another system keeps the account. */
  readonly accountName: string;
  /** Whether this service keeps the account, and so can mail a link for a new password. */
  readonly isKeptHere: boolean;
}

/** What a mail says in addition to its event. */
export interface MailContext extends MailedAccount {
  readonly serviceName: string;
  /** The URL of the page for the user's reaction; null without one. */
  readonly link: string | null;
  readonly describeDevice: DescribeDevice;
}

/** A `User-Agent` in words that are never the client's own text; null if it is unknown. */
export type DescribeDevice = (userAgent: string) => string | null;

type Fact = MailContent['facts'][number];

export function actionLink(label: string, { link: url }: MailContext): Pick<MailContent, 'link'> {
  return url === null ? {} : { link: { label, url } };
}

export function accountFact(context: MailContext): Fact {
  return ['Account', quoteText(withUnicodeDomain(context.accountName))];
}

export function newAddressFact(newEmail: string): Fact {
  return ['New mail address', quoteText(withUnicodeDomain(newEmail))];
}

export function deviceAndAddress(data: Partial<ClientInfo>, context: MailContext): Fact[] {
  return [
    ['Device', deviceText(data.userAgent, context)],
    ['Address', addressText(data.address)],
  ];
}

/** The session id, as the reference for support requests. */
export function referenceFact(sessionId: string): Fact {
  return ['Reference', quoteText(sessionId)];
}

export function deviceText(userAgent: string | undefined, { describeDevice }: MailContext): string {
  return describeDevice(userAgent ?? '') ?? 'an unknown browser or app';
}

export function addressText(text: string | undefined): string {
  return quoteText(text ?? '') || 'not known';
}

const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];

/** Formats the date without a locale: locale formats differ between versions of the platform. */
export function timeFact(occurredAt: number): Fact {
  const date = new Date(occurredAt);
  const day = `${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]} ${date.getUTCFullYear()}`;
  return ['When', `${day}, ${date.toISOString().slice(11, 16)} UTC`];
}
