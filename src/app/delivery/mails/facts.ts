import type { ClientInfo } from '../../../domain/client-info.ts';
import { withUnicodeDomain } from '../../../lib/domain-names.ts';
import type { MailContent } from './layout.ts';
import { quoted } from './quoted.ts';

/** What a mail says in addition to its event. */
export interface MailContext {
  readonly serviceName: string;
  /** The user's name, or the user id where another system keeps the account. */
  readonly account: string;
  /** The URL of the page for the user's reaction; null without one. */
  readonly link: string | null;
  readonly describeDevice: DescribeDevice;
}

/** A `User-Agent` in words that are never the client's own text; null if it is unknown. */
export type DescribeDevice = (userAgent: string) => string | null;

type Fact = MailContent['facts'][number];

export function link(label: string, { link: url }: MailContext): Pick<MailContent, 'link'> {
  return url === null ? {} : { link: { label, url } };
}

export function account(context: MailContext): Fact {
  return ['Account', quoted(withUnicodeDomain(context.account))];
}

export function client(data: Partial<ClientInfo>, context: MailContext): Fact[] {
  return [
    ['Device', device(data.userAgent, context)],
    ['Address', address(data.address)],
  ];
}

/** The session id, as the reference for support requests. */
export function reference(sessionId: string): Fact {
  return ['Reference', quoted(sessionId)];
}

export function device(userAgent: string | undefined, { describeDevice }: MailContext): string {
  return describeDevice(userAgent ?? '') ?? 'an unknown browser or app';
}

export function address(text: string | undefined): string {
  return quoted(text ?? '') || 'not known';
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
export function when(occurredAt: number): Fact {
  const date = new Date(occurredAt);
  const day = `${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]} ${date.getUTCFullYear()}`;
  return ['When', `${day}, ${date.toISOString().slice(11, 16)} UTC`];
}
