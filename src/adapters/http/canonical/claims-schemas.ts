import { Type } from '@sinclair/typebox';
import type { Claims } from '../../../domain/claims.ts';

/** Claims that a caller adds to access tokens. The domain checks their names, depth and size. */
export const ClaimsObject = Type.Unsafe<Claims>(
  Type.Object(
    {},
    {
      additionalProperties: true,
      maxProperties: 128,
      description: 'claims that access tokens carry beside those of the service itself',
    },
  ),
);

/** The name of a device. Without control characters and without characters that change the direction of text. */
export const DeviceName = Type.String({
  pattern: '^[^\\p{Cc}\\p{Cs}\\u2028\\u2029\\u202a-\\u202e\\u2066-\\u2069]+$',
  maxLength: 64,
  description: 'the name of the device, 1 to 64 characters',
});
