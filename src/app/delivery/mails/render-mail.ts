import type { DomainEvent } from '../../../domain/events.ts';
import type { ProofKind } from '../../../domain/second-factor.ts';
import {
  accountFact,
  actionLink,
  addressText,
  deviceAndAddress,
  deviceText,
  type MailContext,
  newAddressFact,
  referenceFact,
  timeFact,
} from './facts.ts';
import { layOut, type MailContent, type RenderedMail } from './layout.ts';

/** The mail about an event; null for events without a mail. */
export function renderMail(event: DomainEvent, context: MailContext): RenderedMail | null {
  const content = buildMailContent(event, context);
  return content && layOut(context.serviceName, content);
}

/** The content of {@link renderMail} before the layout. */
export function buildMailContent(event: DomainEvent, context: MailContext): MailContent | null {
  switch (event.type) {
    case 'sessions.reuse_detected':
      return aboutReuse(event, context);
    case 'sessions.address_changed':
      return event.data.blocked ? aboutBlockedAddress(event, context) : aboutNewAddress(event, context);
    case 'sessions.user_agent_changed':
      return aboutNewAgent(event, context);
    case 'sessions.started_on_new_device':
      return aboutNewDevice(event, context);
    case 'sessions.dpop_refused':
      return aboutForeignKey(event, context);
    case 'sessions.revoked':
      return event.data.reason === 'user_agent_changed' ? aboutBlockedAgent(event, context) : null;
    case 'users.password_changed':
      return aboutPassword(event, context);
    case 'users.factor_added':
      return aboutAddedFactor(event, context);
    case 'users.factor_removed':
      return aboutRemovedFactor(event, context);
    case 'users.password_forgotten':
      return aboutForgottenPassword(event, context);
    case 'users.invited':
      return aboutInvitation(event, context);
    case 'users.email_verification_requested':
      return aboutVerification(event, context);
    case 'users.email_change_requested':
      return aboutNewEmail(event, context);
    case 'users.email_change_announced':
      return aboutOldEmail(event, context);
    case 'users.email_replaced':
      return aboutReplacedEmail(event, context);
    default:
      return null;
  }
}

type EventOf<Type extends DomainEvent['type']> = Extract<DomainEvent, { type: Type }>;

/** The subject of the mail about reuse. `kinship demo` finds the mail by it. */
export const REUSE_SUBJECT = 'We ended one of your sessions';

const LOG_IN_AGAIN = 'If this was you, log in again.';
const NOTHING_TO_DO = 'If this was you, there is nothing to do.';
const END_ONE = 'It was not me: end this session';
const END_ALL = 'It was not me: end all sessions';

export const IF_NOT_YOU =
  'If it was not you, end the session, and change your password. Another person may be using your account.';
const IF_NOT_YOU_END_ALL =
  'If it was not you, end all your sessions. The next page offers a link for a new password.';

/** Where another system keeps the account, the next page offers no link. */
function ifNotYouEndAll({ isKeptHere }: MailContext): string {
  return isKeptHere
    ? IF_NOT_YOU_END_ALL
    : 'If it was not you, end all your sessions, and change your password where you log in.';
}

function aboutReuse(
  { occurredAt, data }: EventOf<'sessions.reuse_detected'>,
  context: MailContext,
): MailContent {
  return {
    subject: REUSE_SUBJECT,
    whatHappened: [
      'A key of your session was used again after it had been replaced. That happens when another person has a copy of it. We ended the session to keep your account safe.',
      'Sometimes the cause is an app that lost its connection.',
    ],
    facts: [
      accountFact(context),
      timeFact(occurredAt),
      ...deviceAndAddress(data, context),
      referenceFact(data.sessionId),
    ],
    whatToDo: ['If the device is yours, log in again.', ifNotYouEndAll(context)],
    ...actionLink(END_ALL, context),
  };
}

function aboutNewAddress(
  { occurredAt, data }: EventOf<'sessions.address_changed'>,
  context: MailContext,
): MailContent {
  return {
    subject: 'Your session was used from a new address',
    whatHappened: ['One of your sessions is now used from another internet address.'],
    facts: [
      accountFact(context),
      timeFact(occurredAt),
      ['New address', addressText(data.address)],
      ['Previous address', addressText(data.previousAddress)],
      ['Device', deviceText(data.userAgent, context)],
      referenceFact(data.sessionId),
    ],
    whatToDo: [`${NOTHING_TO_DO} A mobile network or another place changes the address.`, IF_NOT_YOU],
    ...actionLink(END_ONE, context),
  };
}

function aboutBlockedAddress(
  { occurredAt, data }: EventOf<'sessions.address_changed'>,
  context: MailContext,
): MailContent {
  return {
    subject: 'We refused a request from a new address',
    whatHappened: [
      'One of your sessions was used from another internet address than its own. We refused the request. The session stays open at its own address.',
    ],
    facts: [
      accountFact(context),
      timeFact(occurredAt),
      ['Refused address', addressText(data.address)],
      ['Address of the session', addressText(data.previousAddress)],
      ['Device', deviceText(data.userAgent, context)],
      referenceFact(data.sessionId),
    ],
    whatToDo: ['If this was you, log in again from the new network.', IF_NOT_YOU],
    ...actionLink(END_ONE, context),
  };
}

function aboutNewAgent(
  { occurredAt, data }: EventOf<'sessions.user_agent_changed'>,
  context: MailContext,
): MailContent {
  return {
    subject: 'Your session was used by another browser or app',
    whatHappened: ['One of your sessions is now used by another browser or app.'],
    facts: [
      accountFact(context),
      timeFact(occurredAt),
      ['New device', deviceText(data.userAgent, context)],
      ['Previous device', deviceText(data.previousUserAgent, context)],
      ['Address', addressText(data.address)],
      referenceFact(data.sessionId),
    ],
    whatToDo: [NOTHING_TO_DO, IF_NOT_YOU],
    ...actionLink(END_ONE, context),
  };
}

function aboutNewDevice(
  { occurredAt, data }: EventOf<'sessions.started_on_new_device'>,
  context: MailContext,
): MailContent {
  return {
    subject: 'New sign-in to your account',
    whatHappened: [
      'Your account was signed in to from a device or a place that it has not used in the last 90 days.',
    ],
    facts: [
      accountFact(context),
      timeFact(occurredAt),
      ...deviceAndAddress(data, context),
      referenceFact(data.sessionId),
    ],
    whatToDo: [
      NOTHING_TO_DO,
      context.isKeptHere
        ? 'If it was not you, end the session. Another person may know your password: the next page offers a link for a new one.'
        : 'If it was not you, end the session, and change your password where you log in. Another person may know it.',
    ],
    ...actionLink(END_ONE, context),
  };
}

function aboutBlockedAgent(
  { occurredAt, data }: EventOf<'sessions.revoked'>,
  context: MailContext,
): MailContent {
  return {
    subject: 'We ended a session that another browser or app used',
    whatHappened: [
      'One of your sessions was used by another browser or app than the one that opened it. We ended the session.',
    ],
    facts: [
      accountFact(context),
      timeFact(occurredAt),
      ...deviceAndAddress(data, context),
      referenceFact(data.sessionId),
    ],
    whatToDo: [LOG_IN_AGAIN, ifNotYouEndAll(context)],
    ...actionLink(END_ALL, context),
  };
}

function aboutForeignKey(
  { occurredAt, data }: EventOf<'sessions.dpop_refused'>,
  context: MailContext,
): MailContent {
  return {
    subject: 'A copy of your session was tried',
    whatHappened: [
      'One of your sessions works only on the device that opened it. Another device, or another program, tried to use a copy of it. We refused the request. The session stays open.',
    ],
    facts: [
      accountFact(context),
      timeFact(occurredAt),
      ...deviceAndAddress(data, context),
      referenceFact(data.sessionId),
    ],
    whatToDo: [NOTHING_TO_DO, IF_NOT_YOU],
    ...actionLink(END_ONE, context),
  };
}

function aboutPassword(
  { occurredAt, data }: EventOf<'users.password_changed'>,
  context: MailContext,
): MailContent {
  return {
    subject: 'Your password was changed',
    whatHappened: [
      'The password of your account was changed. Your sessions on other devices have ended.',
      ...(data.emailVerified ? ['The reset by mail also confirmed the address of the account.'] : []),
    ],
    facts: [accountFact(context), timeFact(occurredAt), ...deviceAndAddress(data, context)],
    whatToDo: [NOTHING_TO_DO, IF_NOT_YOU_END_ALL],
    ...actionLink(END_ALL, context),
  };
}

function aboutAddedFactor(
  { occurredAt, data }: EventOf<'users.factor_added'>,
  context: MailContext,
): MailContent {
  const isCodes = data.kind === 'recovery_code';
  return {
    subject: isCodes ? 'You have new recovery codes' : 'A second factor was added to your account',
    whatHappened: [
      isCodes
        ? 'New recovery codes were made for your account. Earlier recovery codes are no longer valid.'
        : `${FACTOR_NAMES[data.kind]} was added to your account. Your next login asks for it.`,
    ],
    facts: [accountFact(context), timeFact(occurredAt), ...deviceAndAddress(data, context)],
    whatToDo: [NOTHING_TO_DO, IF_NOT_YOU_END_ALL],
    ...actionLink(END_ALL, context),
  };
}

function aboutRemovedFactor(
  { occurredAt, data }: EventOf<'users.factor_removed'>,
  context: MailContext,
): MailContent {
  const byOperator = 'byOperator' in data;
  return {
    subject: 'A second factor of your account was removed',
    whatHappened: [
      byOperator
        ? `An operator of the service removed ${inSentence(FACTOR_NAMES[data.kind])} from your account. Logins no longer ask for it.`
        : `${FACTOR_NAMES[data.kind]} was removed from your account. Logins no longer ask for it.`,
    ],
    facts: [
      accountFact(context),
      timeFact(occurredAt),
      ...(byOperator ? [] : deviceAndAddress(data, context)),
    ],
    whatToDo: [
      byOperator ? 'If you asked for it, add a new factor after your next login.' : NOTHING_TO_DO,
      byOperator ? IF_NOT_ASKED : IF_NOT_YOU_END_ALL,
    ],
    ...actionLink(END_ALL, context),
  };
}

const IF_NOT_ASKED =
  'If you did not ask for it, end all your sessions. The next page offers a link for a new password.';

function inSentence(name: string): string {
  return name.charAt(0).toLowerCase() + name.slice(1);
}

const FACTOR_NAMES: Readonly<Record<ProofKind, string>> = {
  totp: 'An authenticator app',
  passkey: 'A passkey',
  recovery_code: 'A recovery code',
};

function aboutForgottenPassword(
  { occurredAt, data }: EventOf<'users.password_forgotten'>,
  context: MailContext,
): MailContent {
  return {
    subject: 'Choose a new password',
    whatHappened: ['A new password was requested for your account.'],
    facts: [accountFact(context), timeFact(occurredAt), ...deviceAndAddress(data, context)],
    whatToDo: [
      'If this was you, choose a new password with the link. It is valid for one hour, and you can use it once.',
      'If it was not you, there is nothing to do. Your password stays as it is.',
    ],
    ...actionLink('Choose a new password', context),
  };
}

function aboutInvitation({ occurredAt }: EventOf<'users.invited'>, context: MailContext): MailContent {
  return {
    subject: 'You have a new account',
    whatHappened: ['An operator of the service made an account for you.'],
    facts: [accountFact(context), timeFact(occurredAt)],
    whatToDo: [
      'Choose your password with the link. It is valid for 7 days, and you can use it once. It also confirms your address. Later, ask for a new link where you log in.',
      'If you did not ask for it, and do not want the account, there is nothing to do. Without a password it cannot be used.',
    ],
    ...actionLink('Choose a password', context),
  };
}

function aboutVerification(
  { occurredAt, data }: EventOf<'users.email_verification_requested'>,
  context: MailContext,
): MailContent {
  const byOperator = 'byOperator' in data;
  return {
    subject: 'Confirm your address',
    whatHappened: [
      byOperator
        ? 'An operator of the service gave this address to an account.'
        : 'An account was made with this address.',
    ],
    facts: [
      accountFact(context),
      timeFact(occurredAt),
      ...(byOperator ? [] : deviceAndAddress(data, context)),
    ],
    whatToDo: [
      `${byOperator ? 'If the account is yours' : 'If this was you'}, confirm the address with the link. It is valid for 24 hours, and you can use it once.`,
      `${byOperator ? 'If you did not ask for it' : 'If it was not you'}, do not confirm the address. With a new password you can take the account over: ask for a link where you log in.`,
    ],
    ...actionLink('Confirm the address', context),
  };
}

function aboutNewEmail(
  { occurredAt, data }: EventOf<'users.email_change_requested'>,
  context: MailContext,
): MailContent {
  return {
    subject: 'Confirm your new address',
    whatHappened: ['This address was given as the new address of an account.'],
    facts: [accountFact(context), timeFact(occurredAt), ...deviceAndAddress(data, context)],
    whatToDo: [
      'If this was you, confirm the address with the link. It is valid for 24 hours, and you can use it once.',
      'If it was not you, there is nothing to do. The account keeps its address.',
    ],
    ...actionLink('Confirm the new address', context),
  };
}

function aboutOldEmail(
  { occurredAt, data }: EventOf<'users.email_change_announced'>,
  context: MailContext,
): MailContent {
  return {
    subject: 'Your account gets a new address',
    whatHappened: [
      'A new address was given for your account. It becomes the address of the account when the link in the mail to the new address is opened.',
    ],
    facts: [
      accountFact(context),
      timeFact(occurredAt),
      ...('newEmail' in data ? [newAddressFact(data.newEmail)] : []),
      ...deviceAndAddress(data, context),
    ],
    whatToDo: [
      NOTHING_TO_DO,
      'linkId' in data
        ? 'If it was not you, keep this address with the link. All sessions of the account end, and the next page offers a link for a new password. The link is valid for 7 days, and you can use it once.'
        : 'If it was not you, log in and change your password. As long as the new address is not confirmed, this cancels the change.',
    ],
    ...actionLink('It was not me: keep this address', context),
  };
}

function aboutReplacedEmail(
  { occurredAt }: EventOf<'users.email_replaced'>,
  context: MailContext,
): MailContent {
  return {
    subject: 'Your account has another address',
    whatHappened: [
      'An operator of the service gave your account another mail address. Mails about the account are no longer sent to this address.',
    ],
    facts: [accountFact(context), timeFact(occurredAt)],
    whatToDo: [
      'If you asked for it, there is nothing to do.',
      'If you did not ask for it, write to the operator of the service.',
    ],
  };
}
