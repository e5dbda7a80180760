import { type Claims, claimsFault, MAX_USER_CLAIMS, NO_CLAIMS } from '../../domain/claims.ts';
import { importedNameFault } from '../../domain/imported-user.ts';
import { Refusal } from '../../domain/refusal.ts';
import { isDerivedKey, isUuid } from '../../domain/user-id.ts';
import { withAsciiDomain } from '../../lib/domain-names.ts';
import { parseTime } from '../../lib/time.ts';
import { readMailAddress } from '../accounts/read-mail-address.ts';

/** An account as a line of a file describes it. */
export interface UserLine {
  /** Absent: the service makes an id. */
  readonly id?: string;
  readonly username: string;
  readonly email: string;
  readonly emailVerified?: boolean;
  /** Absent: the account has no password. */
  readonly passwordHash?: string;
  /** Absent: the user has no claims. */
  readonly claims?: Claims;
  /** RFC 3339. Absent: the time of the import. */
  readonly createdAt?: string;
}

/** A line of the file is refused. The message gives the reason, as a sentence without its full stop. */
export class RefusedLine extends Error {
  override readonly name = 'RefusedLine';
}

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/;

/** The maximum number of characters of an unknown member's name that a refusal quotes. */
const LONGEST_NAME = 64;

const LONGEST = { text: 320, hash: 1_024 };

type Check = (value: unknown) => boolean;

const isText = (value: unknown, longest: number): value is string =>
  typeof value === 'string' && value.length > 0 && value.length <= longest;

const TEXT = `text of 1 to ${LONGEST.text} characters`;

/** What each member must be. */
const MEMBERS: Readonly<Record<keyof UserLine, readonly [Check, string]>> = {
  id: [(value) => isText(value, 36) && isUuid(value) && !isDerivedKey(value), 'a UUID of a standard form'],
  username: [(value) => isText(value, LONGEST.text), TEXT],
  email: [(value) => isText(value, LONGEST.text), TEXT],
  emailVerified: [(value) => typeof value === 'boolean', 'true or false'],
  passwordHash: [(value) => isText(value, LONGEST.hash), `text of 1 to ${LONGEST.hash} characters`],
  claims: [(value) => typeof value === 'object' && value !== null && !Array.isArray(value), 'an object'],
  createdAt: [
    (value) => isText(value, 40) && TIME.test(value) && parseTime(value) !== null,
    'a time such as 2026-01-31T12:00:00Z',
  ],
};

const REQUIRED = ['username', 'email'] as const;

/** Reads a line of an import. Throws a {@link RefusedLine}. */
export function readUserLine(text: string): UserLine {
  const members = readMembers(text);
  for (const [name, value] of Object.entries(members)) {
    if (!isMember(name))
      throw new RefusedLine(`${JSON.stringify(name.slice(0, LONGEST_NAME))} is not a member of a user`);
    const [check, wanted] = MEMBERS[name];
    if (!check(value)) throw new RefusedLine(`${name} must be ${wanted}`);
  }
  for (const name of REQUIRED) if (!Object.hasOwn(members, name)) throw new RefusedLine(`${name} is missing`);
  return readIdentity(members as unknown as UserLine); // the loops have checked each member
}

function isMember(name: string): name is keyof UserLine {
  return Object.hasOwn(MEMBERS, name);
}

function readMembers(text: string): object {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new RefusedLine('it is not JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new RefusedLine('it is not a JSON object');
  return value;
}

function readIdentity(line: UserLine): UserLine {
  const email = readEmail(line.email);
  const username = withAsciiDomain(line.username);
  const fault = importedNameFault({ username, email });
  if (fault !== null) throw new RefusedLine(`username ${fault}`);
  const claimFault = claimsFault(line.claims ?? NO_CLAIMS, MAX_USER_CLAIMS);
  if (claimFault !== null) throw new RefusedLine(`claims ${claimFault}`);
  return { ...line, ...(line.id && { id: line.id.toLowerCase() }), username, email };
}

function readEmail(typed: string): string {
  try {
    return readMailAddress(typed, 'email');
  } catch (error) {
    if (error instanceof Refusal) throw new RefusedLine(error.message.replace(/\.$/, ''));
    throw error;
  }
}
