/** Writes structured log lines: fields first, then a sentence. Never log a token, a password or a key. */
export interface Log {
  info(members: object, message: string): void;
  warn(members: object, message: string): void;
  error(members: object, message: string): void;
}
