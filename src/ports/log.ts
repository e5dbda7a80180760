/** Structured lines for the operator: members first, then a sentence. Never a token, a password or a key. */
export interface Log {
  info(members: object, message: string): void;
  warn(members: object, message: string): void;
  error(members: object, message: string): void;
}
