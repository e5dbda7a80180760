import type { ClientInfo, DomainEvent } from '../../../domain/events.ts';
import { layOut, type MailContent, type MailText } from './layout.ts';
import { quoted } from './quoted.ts';

/**
 * The letter about an event; null for events without a mail. `link` is the URL of the page for the user's reaction;
 * null without one.
 */
export function mailAbout(event: DomainEvent, link: string | null = null): MailContent | null {
  const content = contentAbout(event, link);
  return content && layOut(content);
}

/** The content of {@link mailAbout} before the layout. */
export function contentAbout(event: DomainEvent, link: string | null): MailText | null {
  const content = contentOf(event);
  return content && (link === null ? content : { ...content, link: linkTo(event, link) });
}

function linkTo({ type }: DomainEvent, url: string): NonNullable<MailText['link']> {
  if (type === 'users.password_forgotten') return { label: 'Choose a new password', url };
  const endsOne = type === 'sessions.address_changed' || type === 'sessions.user_agent_changed';
  return { label: `It was not me: end ${endsOne ? 'this session' : 'all sessions'}`, url };
}

function contentOf(event: DomainEvent): MailText | null {
  switch (event.type) {
    case 'sessions.reuse_detected':
      return aboutReuse(event);
    case 'sessions.address_changed':
      return event.data.blocked ? aboutBlockedAddress(event) : aboutNewAddress(event);
    case 'sessions.user_agent_changed':
      return aboutNewAgent(event);
    case 'sessions.revoked':
      return event.data.reason === 'user_agent_changed' ? aboutBlockedAgent(event) : null;
    case 'users.password_changed':
      return aboutPassword(event);
    case 'users.password_forgotten':
      return aboutForgottenPassword(event);
    default:
      return null;
  }
}

type Of<Type extends DomainEvent['type']> = Extract<DomainEvent, { type: Type }>;

export const IF_NOT_YOU =
  'If it was not you, change your password and contact the service that you log in to: somebody may be using your account.';

const LOG_IN_AGAIN = 'Log in again to carry on.';

function aboutReuse({ occurredAt, data }: Of<'sessions.reuse_detected'>): MailText {
  return {
    subject: 'We ended one of your sessions to keep your account safe',
    whatHappened: [
      'A key to your session that had already been replaced was used a second time. That happens when somebody holds a copy of it, so we ended the session for everyone.',
      'Now and then it happens by accident, for example when an app loses its connection at the wrong moment.',
    ],
    facts: [when(occurredAt), ...client(data), reference(data.sessionId)],
    whatToDo: [
      LOG_IN_AGAIN,
      'If you do not recognise the address or the browser above, or if this happens again, change your password and contact the service that you log in to.',
    ],
  };
}

function aboutNewAddress({ occurredAt, data }: Of<'sessions.address_changed'>): MailText {
  return {
    subject: 'Your session was used from a new address',
    whatHappened: ['One of your sessions is now being used from another internet address than before.'],
    facts: [
      when(occurredAt),
      ['New address', told(data.address)],
      ['Previous address', told(data.previousAddress)],
      ['Browser or app', told(data.userAgent)],
      reference(data.sessionId),
    ],
    whatToDo: [
      'If this was you, for example at another place or on a mobile network, there is nothing to do.',
      IF_NOT_YOU,
    ],
  };
}

function aboutBlockedAddress({ occurredAt, data }: Of<'sessions.address_changed'>): MailText {
  return {
    subject: 'We refused a request from a new address',
    whatHappened: [
      'Somebody tried to use one of your sessions from another internet address than the one it belongs to. We refused; the session itself was not changed.',
    ],
    facts: [
      when(occurredAt),
      ['Refused address', told(data.address)],
      ['Address of the session', told(data.previousAddress)],
      ['Browser or app', told(data.userAgent)],
      reference(data.sessionId),
    ],
    whatToDo: ['If this was you, log in again at the new place.', IF_NOT_YOU],
  };
}

function aboutNewAgent({ occurredAt, data }: Of<'sessions.user_agent_changed'>): MailText {
  return {
    subject: 'Your session was used by another browser or app',
    whatHappened: ['One of your sessions is now being used by another browser or app than before.'],
    facts: [
      when(occurredAt),
      ['New browser or app', told(data.userAgent)],
      ['Previous browser or app', told(data.previousUserAgent)],
      ['Address', told(data.address)],
      reference(data.sessionId),
    ],
    whatToDo: [
      'If this was you, for example after you moved to another browser, there is nothing to do.',
      IF_NOT_YOU,
    ],
  };
}

function aboutBlockedAgent({ occurredAt, data }: Of<'sessions.revoked'>): MailText {
  return {
    subject: 'We ended one of your sessions: another browser or app used it',
    whatHappened: [
      'One of your sessions was used by another browser or app than the one that opened it, so we ended the session for everyone.',
    ],
    facts: [when(occurredAt), ...client(data), reference(data.sessionId)],
    whatToDo: [LOG_IN_AGAIN, IF_NOT_YOU],
  };
}

function aboutPassword({ occurredAt, data }: Of<'users.password_changed'>): MailText {
  return {
    subject: 'Your password was changed',
    whatHappened: ['The password of your account was changed, and your other sessions have ended.'],
    facts: [when(occurredAt), ...client(data)],
    whatToDo: [
      'If this was you, there is nothing to do.',
      'If it was not you, ask for a new password where you log in, and contact the service.',
    ],
  };
}

function aboutForgottenPassword({ occurredAt, data }: Of<'users.password_forgotten'>): MailText {
  return {
    subject: 'Choose a new password',
    whatHappened: ['Somebody, probably you, asked for a new password for your account.'],
    facts: [when(occurredAt), ...client(data)],
    whatToDo: [
      'Follow the link to choose one. It is good for an hour, and once.',
      'If it was not you, there is nothing to do: your password stays as it is.',
    ],
  };
}

type Fact = MailText['facts'][number];

function client({ address, userAgent }: Partial<ClientInfo>): Fact[] {
  return [
    ['Address', told(address)],
    ['Browser or app', told(userAgent)],
  ];
}

/** The session id, as the reference for support requests. */
function reference(sessionId: string): Fact {
  return ['Reference', quoted(sessionId)];
}

function told(text: string | undefined): string {
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
function when(occurredAt: number): Fact {
  const date = new Date(occurredAt);
  const day = `${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]} ${date.getUTCFullYear()}`;
  return ['When', `${day}, ${date.toISOString().slice(11, 16)} UTC`];
}
