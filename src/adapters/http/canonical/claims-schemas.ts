import { Type } from '@sinclair/typebox';
import type { Claims } from '../../../domain/claims.ts';
import { UNPRINTABLE } from '../../../domain/visible-text.ts';

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

export const DeviceName = Type.String({
  pattern: `^[^${UNPRINTABLE}]+$`,
  maxLength: 64,
  description: 'the name of the device, 1 to 64 characters',
});
