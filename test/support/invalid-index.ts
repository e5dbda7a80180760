import postgres from 'postgres';

/**
 * Runs a statement such as `create index concurrently`, and interrupts it, so that it leaves an invalid index. Another
 * transaction holds the lock of a writer, for which the statement waits until its lock timeout.
 */
export async function interruptIndex(url: string, table: string, statement: string): Promise<void> {
  const sql = postgres(url, { max: 2, onnotice: () => {} });
  try {
    await sql.begin(async (writer) => {
      await writer.unsafe(`lock table ${table} in row exclusive mode`);
      const builder = await sql.reserve();
      await builder`set lock_timeout = '100ms'`;
      await builder.unsafe(statement).then(
        () => Promise.reject(new Error('The statement was not interrupted.')),
        () => {},
      );
      builder.release();
    });
  } finally {
    await sql.end({ timeout: 1 });
  }
}
