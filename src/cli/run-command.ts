/** Does a command's work. What goes wrong is said in a line, with exit code 1. */
export async function runCommand(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const { message, cause } = error as Error;
    process.stderr.write(`${[message, cause instanceof Error ? cause.message : ''].join(' ').trim()}\n`);
    process.exitCode = 1;
  }
}
