import type { RevocationReason } from '../revocation.ts';

const REASONS: Readonly<Record<RevocationReason | 'expired', string>> = {
  reuse: 'a token was replayed',
  user_agent_changed: 'another product used it',
  logout: 'logout',
  password_changed: 'a new password',
  account_deleted: 'the account was deleted',
  administrator: 'an operator ended it',
  disabled: 'the user was disabled',
  not_me: 'a link in a mail ended it',
  session_limit: 'the limit of sessions',
  expired: 'its lifetime is over',
};

/** Why a session ended, in words. */
export function reasonInWords(reason: string): string {
  return isKnown(reason) ? REASONS[reason] : reason.replaceAll('_', ' ');
}

function isKnown(reason: string): reason is keyof typeof REASONS {
  return Object.hasOwn(REASONS, reason);
}

const UNITS = [
  ['d', 86_400],
  ['h', 3_600],
  ['min', 60],
  ['s', 1],
] as const;

/** A duration in its largest unit, and in the next one where that matters: `6 d`, `2 h 5 min`, `40 s`. */
export function durationInWords(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1_000);
  const index = UNITS.findIndex(([, size]) => seconds >= size);
  if (index < 0) return 'less than 1 s';
  const [[unit, size] = ['s', 1], next] = UNITS.slice(index);
  const count = Math.floor(seconds / size);
  const rest = next === undefined || count >= 10 ? 0 : Math.floor((seconds % size) / next[1]);
  return rest === 0 || next === undefined ? `${count} ${unit}` : `${count} ${unit} ${rest} ${next[0]}`;
}

const DAY_FORMAT = { weekday: 'short', day: 'numeric', month: 'short', timeZone: 'UTC' } as const;
const DAY_OF_THIS_YEAR = new Intl.DateTimeFormat('en-GB', DAY_FORMAT);
const DAY_OF_ANY_YEAR = new Intl.DateTimeFormat('en-GB', { ...DAY_FORMAT, year: 'numeric' });

/** The day of a moment in UTC, such as `Fri 27 Nov`. It has its year if that is not the year of `now`. */
export function dayInWords(at: number, now: number): string {
  const isThisYear = new Date(at).getUTCFullYear() === new Date(now).getUTCFullYear();
  return (isThisYear ? DAY_OF_THIS_YEAR : DAY_OF_ANY_YEAR).format(at).replace(',', '');
}

/** The time of day in UTC, with seconds. */
export function timeOfDay(at: number): string {
  return new Date(at).toISOString().slice(11, 19);
}

/** The day, as {@link dayInWords} writes it, and the time of a moment in UTC. */
export function momentInWords(at: number, now: number): string {
  return `${dayInWords(at, now)}, ${timeOfDay(at)} UTC`;
}
