/** Does the work of a command. A failure is one line on standard error and exit code 1. */
export async function runCommand(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const { message, cause } = error as Error;
    process.stderr.write(`${[message, cause instanceof Error ? cause.message : ''].join(' ').trim()}\n`);
    process.exitCode = 1;
  }
}
