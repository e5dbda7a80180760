const LONGEST = 500;

/**
 * Why a delivery failed, for the log and the outbox: one line without mail addresses. Mail servers quote addresses,
 * which are personal data.
 */
export function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message
    .replace(/[\p{Cc}\s]+/gu, ' ')
    .replace(/[^\s<>()[\]"',;:=]+@[^\s<>()[\]"',;:=]+/g, '[address]')
    .slice(0, LONGEST);
}
