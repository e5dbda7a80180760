import { type SchemaOptions, Type } from '@sinclair/typebox';

/** Text that is one of these. Generators of clients know this for an enumeration; a union of constants they may not. */
export function oneOf<const Value extends string>(values: readonly Value[], options: SchemaOptions = {}) {
  return Type.Unsafe<Value>({ type: 'string', enum: [...values], ...options });
}
