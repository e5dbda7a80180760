import { type NumberOptions, type StringOptions, Type } from '@sinclair/typebox';

/**
 * A text of at most the length of the largest body: for tokens, and for text that the service itself writes.
 */
export function longText(options: StringOptions = {}) {
  return Type.String({ maxLength: 64 * 1024, ...options });
}

/** A count of objects or of seconds. */
export function count(options: NumberOptions = {}) {
  return Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, ...options });
}
