/**
 * A server answers, but the service cannot work with it until an operator changes something. The message says what, and
 * contains no secret.
 */
export class ServerUnusable extends Error {
  override readonly name = 'ServerUnusable';
}
