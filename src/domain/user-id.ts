/** How backends name the users that they log in: with UUIDs only, or with any visible text. See USER_ID_FORMAT. */
export const USER_ID_FORMATS = ['uuid', 'text'] as const;

export type UserIdFormat = (typeof USER_ID_FORMATS)[number];

/** The maximum number of characters (Unicode code points) of a user id. */
export const MAX_USER_ID = 128;

/**
 * Visible characters, as a regular expression with the flag `u`. `.` and `..` are no ids, because clients and proxies
 * resolve them in a path.
 */
export const USER_ID_PATTERN = `^(?!\\.{1,2}$)[^\\p{White_Space}\\p{Cc}\\p{Cs}\\p{Default_Ignorable_Code_Point}]{1,${MAX_USER_ID}}$`;

const USER_ID = new RegExp(USER_ID_PATTERN, 'u');
const DERIVED_KEY = /^.{14}8fff-ff/i;
const ANY_UUID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i;

/** Whether the text is a UUID, in upper or lower case. */
export function isUuid(text: string): boolean {
  return ANY_UUID.test(text);
}

/** Whether the text is a UUID in lower case: the only form in which this service stores and signs UUIDs. */
export function isCanonicalUuid(text: string): boolean {
  return isUuid(text) && text === text.toLowerCase();
}

/**
 * Whether a UUID has the form of the keys that the stores derive from ids of other forms: version 8 and variant 111 of
 * RFC 9562, and further fixed bits. No standard UUID has this form.
 */
export function isDerivedKey(uuid: string): boolean {
  return DERIVED_KEY.test(uuid);
}

/**
 * The form of a user id in tokens, answers and the database. A UUID is in lower case, because both spellings name the
 * same user. Any other text stays as it is.
 */
export function canonicalUserId(userId: string): string {
  return isUuid(userId) ? userId.toLowerCase() : userId;
}

/**
 * Whether the value is a user id in canonical form. It accepts every format, so that a session keeps its user when
 * USER_ID_FORMAT changes.
 */
export function isUserId(value: unknown): value is string {
  return typeof value === 'string' && USER_ID.test(value) && canonicalUserId(value) === value;
}
