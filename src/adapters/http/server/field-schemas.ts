import { type NumberOptions, type SchemaOptions, type StringOptions, Type } from '@sinclair/typebox';

/**
 * A text that is at most as long as the largest body. It is for tokens, and for text that the service itself writes.
 */
export function longText(options: StringOptions = {}) {
  return Type.String({ maxLength: 64 * 1024, ...options });
}

/** A count of objects or of seconds. */
export function count(options: NumberOptions = {}) {
  return Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, ...options });
}

/** Options of the schema of an object that allows no unknown members. */
export const closed = { additionalProperties: false };

/** The member of a page of a list that holds the cursor of the next page. */
export const nextCursor = Type.Optional(
  longText({ description: 'the cursor of the next page; absent on the last page' }),
);

/** A text enumeration. Client generators recognize this form, but not always a union of constants. */
export function oneOf<const Value extends string>(values: readonly Value[], options: SchemaOptions = {}) {
  return Type.Unsafe<Value>({ type: 'string', enum: [...values], ...options });
}
