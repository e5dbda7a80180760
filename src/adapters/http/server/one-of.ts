import { type SchemaOptions, Type } from '@sinclair/typebox';

/** A text enumeration. Client generators recognise this form, but not always a union of constants. */
export function oneOf<const Value extends string>(values: readonly Value[], options: SchemaOptions = {}) {
  return Type.Unsafe<Value>({ type: 'string', enum: [...values], ...options });
}
