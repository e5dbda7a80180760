import { Type } from '@sinclair/typebox';
import { METHODS } from '../../../domain/authentication.ts';
import { count, longText } from './field-schemas.ts';

export const AuthTime = count({ description: 'when the user was authenticated, in seconds since the epoch' });

export const Amr = Type.Unsafe<readonly string[]>(
  Type.Array(longText(), {
    maxItems: METHODS.length,
    description: 'how the user was authenticated (RFC 8176); absent if unknown',
  }),
);

export const Acr = longText({ description: '`aal1`: by one factor, `aal2`: by several; absent if unknown' });
