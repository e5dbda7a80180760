import { readFileSync } from 'node:fs';
import { Argument, Command, InvalidArgumentError, Option } from 'commander';
import { AUDIT_TYPES } from '../domain/audit.ts';
import { ROLES, type Role } from '../domain/user.ts';
import { startService } from '../main/start-service.ts';
import type { AuditListOptions } from './audit.ts';
import { completionScript, SHELLS, type Shell } from './completion.ts';
import { runCommand } from './run-command.ts';
import type { SetupOptions } from './setup.ts';
import type { UserListOptions } from './users/list-and-show.ts';

const AFTER_ALL = `
Without a command the service runs, as with serve.
The environment, and .env in the current folder, configure the commands.`;

const AFTER_PURGE = `
The service does the same by itself. REFRESH_TOKEN_AGE and CLOCK_SKEW decide what is removed, and when.
The exit code is 1 on a failure. It is 0 if another process is purging.`;

const AFTER_IMPORT = `
A line: {"id"?, "username", "email", "emailVerified"?, "passwordHash"?, "claims"?, "createdAt"?}
Accounts that exist are not changed, so the same file can be imported again. No mail is sent.
The exit code is 1 if a line is refused. Without --strict the other lines are imported.`;

const AFTER_EXPORT = `
The lines contain password hashes. Keep the file unreadable for other users.`;

const USER = 'the name, the address or the id of the user';

const AFTER_SHOW = `
The exit code is 1 if no account has the name. An id need not have an account here.`;

const AFTER_ACT = `
The audit log records the change, and the user of the operating system who made it.
The exit code is 1 if no account has the name. A change that was made before is no error.`;

const AFTER_ROLE = `
The audit log records the change, and the user of the operating system who made it.
The exit code is 1 if there is no such account. A change that was made before is no error.`;

const AFTER_SESSION = `
The exit code is 1 if nothing about the session is stored.`;

const AFTER_SECRETS = `
Without --write the secrets are printed as lines for an environment file.
With --write, files that exist are kept, and the passwords of the servers in compose.prod.yml are added.
The exit code is 1, and nothing is written, if two files hold different passwords for the same server.`;

const AFTER_DOCTOR = `
The command changes nothing, and each check ends within ten seconds.
The exit code is 1 if a check fails. Warnings do not count.`;

const AFTER_VERIFY = `
Events of the last seconds have no seal yet, and are not checked.
The exit code is 1 if something was changed, added or removed, or cannot be checked.`;

const AFTER_DEMO = `
The demo opens a session by user id. If the service refuses that, the demo registers
an account, says so, and does not delete it. A second run with the same --email then
fails. The demo prints the service's real answers.
The exit code is 1 if an answer is not the expected one.`;

const AFTER_COMPLETION = `
bash: source <(kinship completion bash)
zsh:  source <(kinship completion zsh)`;

/**
 * The tree of commands. A command loads its own file when it runs, so that a help text loads no database driver.
 * Commander answers an unknown command or option with an error, and runs nothing.
 */
export function createProgram(): Command {
  const program = new Command('kinship')
    .description('A self-hosted session service: token pairs, rotation and theft detection.')
    .version(readVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand(false)
    .showHelpAfterError('Add --help to see the commands and options.')
    .addHelpText('after', AFTER_ALL);
  addServing(program);
  addDatabaseCommands(program);
  addKeyCommands(program.command('keys').description('list and change the keys that sign access tokens'));
  const users = program.command('users').description('import, export and administer accounts');
  addUserCommands(users);
  addUserLists(users);
  addUserChanges(users);
  addSessionCommands(program.command('sessions').description('look at sessions'));
  addAuditCommands(program.command('audit').description('read and verify the audit log'));
  addSecrets(program);
  addSetup(program);
  addChecks(program);
  addCompletion(program);
  addHelp(program);
  return program;
}

/** Runs the command that the words after `kinship` name. */
export async function runProgram(args: readonly string[]): Promise<void> {
  if (args[0] !== 'serve') process.stdout.on('error', endWithoutReader);
  await createProgram().parseAsync(separateKeyId(args), { from: 'user' });
}

/**
 * Ends the program when the reader of its output, such as `head`, has left. Except for `demo`, commands change nothing
 * after they have begun to print.
 */
function endWithoutReader(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
}

/** `kinship help keys rotate` prints what `kinship keys rotate --help` prints. */
function addHelp(program: Command): void {
  program
    .command('help')
    .description('print the help of a command')
    .argument('[command...]', 'the words of the command')
    .action((words: readonly string[]) => findCommand(program, words).help());
}

function findCommand(program: Command, words: readonly string[]): Command {
  return words.reduce<Command>(
    (command, word) =>
      command.commands.find((each) => each.name() === word) ??
      command.error(`error: unknown command '${word}'`),
    program,
  );
}

function addServing(program: Command): void {
  program.command('serve').description('run the service until a signal stops it').action(startService);
}

function addDatabaseCommands(program: Command): void {
  program
    .command('migrate')
    .description('bring the database schema up to date')
    .action(reportFailures(async () => (await import('./migrate.ts')).migrateSchema()));

  program
    .command('purge')
    .description('remove ended sessions whose tokens have all expired')
    .addHelpText('after', AFTER_PURGE)
    .action(reportFailures(async () => (await import('./purge.ts')).purgeSessions()));
}

function addKeyCommands(keys: Command): void {
  keys
    .command('list')
    .description('print the keys, their states and times')
    .action(reportFailures(async () => (await import('./keys.ts')).printKeys()));

  keys
    .command('rotate')
    .description('announce a new key, which signs when every verifier can know it')
    .option('--now', 'let the new key sign at once, in an emergency')
    .action(
      reportFailures(async ({ now = false }: { now?: boolean }) =>
        (await import('./keys.ts')).rotateKeys(now),
      ),
    );

  keys
    .command('retire')
    .description('remove a key at once, for example one that has leaked')
    .argument('<id>', 'the kid of the key')
    .action(reportFailures(async (id: string) => (await import('./keys.ts')).retireKeyById(id)));

  keys
    .command('reseal')
    .description('seal the secrets in the database under the newest DATA_ENCRYPTION_KEY')
    .action(reportFailures(async () => (await import('./keys/reseal.ts')).resealStoredSecrets()));
}

function addUserCommands(users: Command): void {
  users
    .command('import')
    .description('store the accounts of a file with one JSON object a line')
    .argument('<file>', 'the file; - reads standard input')
    .option('--strict', 'stop at the first line that is refused, or at the end of its batch of 500 lines')
    .addHelpText('after', AFTER_IMPORT)
    .action(
      reportFailures(async (file: string, options: { strict?: boolean }) =>
        (await import('./users/import.ts')).importUsersFrom(file, options),
      ),
    );

  users
    .command('export')
    .description('print all accounts, one JSON object a line')
    .addHelpText('after', AFTER_EXPORT)
    .action(reportFailures(async () => (await import('./users/export.ts')).printUsers()));
}

function addUserLists(users: Command): void {
  users
    .command('list')
    .description('print accounts; without a filter, the newest first')
    .option(
      '--query <text>',
      'only accounts whose name, address or id begins with the text; an id needs nine characters or more',
    )
    .addOption(
      new Option('--only <kind>', 'only these accounts; not with --query')
        .choices(['disabled', 'operators'])
        .conflicts('query'),
    )
    .option('--limit <count>', 'the most accounts to print, 1 to 1000', readLimit, 100)
    .option('--json', 'print one JSON object a line')
    .action(
      reportFailures(async (options: UserListOptions) =>
        (await import('./users/list-and-show.ts')).printUserList(options),
      ),
    );

  users
    .command('show')
    .description('print an account and its newest live sessions, up to 100')
    .argument('<user>', USER)
    .option('--json', 'print one JSON object')
    .addHelpText('after', AFTER_SHOW)
    .action(
      reportFailures(async (user: string, options: { json?: boolean }) =>
        (await import('./users/list-and-show.ts')).printUser(user, options),
      ),
    );
}

function readLimit(text: string): number {
  const limit = Number(text);
  if (/^\d{1,4}$/.test(text) && limit >= 1 && limit <= 1_000) return limit;
  throw new InvalidArgumentError('It must be a number from 1 to 1000.');
}

function addUserChanges(users: Command): void {
  users
    .command('end-sessions')
    .description('end all sessions of a user')
    .argument('<user>', USER)
    .addHelpText('after', AFTER_ACT)
    .action(
      reportFailures(async (user: string) =>
        (await import('./users/administer.ts')).endSessionsByNameOrId(user),
      ),
    );

  users
    .command('disable')
    .description('end the sessions of a user, and refuse all logins')
    .argument('<user>', USER)
    .addHelpText('after', AFTER_ACT)
    .action(
      reportFailures(async (user: string) => (await import('./users/administer.ts')).disableByNameOrId(user)),
    );

  users
    .command('enable')
    .description('let a disabled user log in again')
    .argument('<user>', USER)
    .addHelpText('after', AFTER_ACT)
    .action(
      reportFailures(async (user: string) => (await import('./users/administer.ts')).enableByNameOrId(user)),
    );

  addRoleCommand(users, { name: 'grant', isGranted: true, description: 'give an account a role' });
  addRoleCommand(users, { name: 'revoke', isGranted: false, description: 'take a role from an account' });
}

function addRoleCommand(
  users: Command,
  { name, isGranted, description }: { name: string; isGranted: boolean; description: string },
): void {
  users
    .command(name)
    .description(description)
    .addArgument(new Argument('<role>', 'the role').choices(ROLES))
    .argument('<user>', USER)
    .addHelpText('after', AFTER_ROLE)
    .action(
      reportFailures(async (role: Role, user: string) =>
        (await import('./users/administer.ts')).setRoleByNameOrId({ role, isGranted }, user),
      ),
    );
}

function addSessionCommands(sessions: Command): void {
  sessions
    .command('show')
    .description('print what happened to a session: its login, its addresses, its end')
    .argument('<id>', 'the id of the session, from a mail, a log line or an event')
    .option('--json', 'print the session and its recorded events as one JSON object')
    .addHelpText('after', AFTER_SESSION)
    .action(
      reportFailures(async (id: string, options: { json?: boolean }) =>
        (await import('./sessions.ts')).printSession(id, options),
      ),
    );
}

function addAuditCommands(audit: Command): void {
  audit
    .command('list')
    .description('print the events, oldest first, one JSON object on each line')
    .addOption(new Option('--type <type>', 'only events of this type').choices(AUDIT_TYPES))
    .option('--user <id>', 'only events of this user')
    .option('--session <id>', 'only events of this session')
    .action(
      reportFailures(async (options: AuditListOptions) =>
        (await import('./audit.ts')).printAuditLog(options),
      ),
    );

  audit
    .command('verify')
    .description('check that no sealed event was changed, added or removed')
    .option(
      '--head <head>',
      'number:mac of a seal, from the log of the service. This seal must still be stored',
    )
    .addHelpText('after', AFTER_VERIFY)
    .action(
      reportFailures(async (options: { head?: string }) =>
        (await import('./audit.ts')).verifyAuditLog(options),
      ),
    );
}

function addSecrets(program: Command): void {
  program
    .command('secrets')
    .description('generate a fresh value for every secret')
    .option('--write <folder>', 'write each secret into a file of this folder')
    .addHelpText('after', AFTER_SECRETS)
    .action(
      reportFailures(async ({ write }: { write?: string }) =>
        (await import('./secrets.ts')).makeSecrets(write),
      ),
    );
}

/** Hidden from the help, because only compose.prod.yml calls it. */
function addSetup(program: Command): void {
  program
    .command('setup', { hidden: true })
    .description('prepare the secrets of the containers of compose.prod.yml')
    .option('--from <folder>', 'the folder with a file for each secret', '/secrets')
    .option('--to <folder>', 'the folder that gets one folder for each container', '/shares')
    .option('--own <folder>', 'SECRETS_DIR of the operator; blank: generate the secrets', '')
    .action(
      reportFailures(async (options: SetupOptions) => (await import('./setup.ts')).setUpContainers(options)),
    );
}

function addChecks(program: Command): void {
  program
    .command('doctor')
    .description('check the configuration and everything that the service depends on')
    .option('--json', 'print the findings as JSON')
    .addHelpText('after', AFTER_DOCTOR)
    .action(
      reportFailures(async (options: { json?: boolean }) => (await import('./doctor.ts')).diagnose(options)),
    );

  program
    .command('demo')
    .description('play the theft of a refresh token against a running service')
    .option('--url <url>', 'the origin of the service (default: this machine, API_PORT)', readOrigin)
    .option('--email <address>', 'the address of the victim, which gets the warning by mail', readEmail)
    .addHelpText('after', AFTER_DEMO)
    .action(
      reportFailures(async (options: { url?: string; email?: string }) =>
        (await import('./demo.ts')).playTheft(options),
      ),
    );
}

/** Finds a mistyped address before the demo begins. The service refuses more. */
function readEmail(text: string): string {
  if (/^[^\s@]+@[^\s@]+$/.test(text)) return text;
  throw new InvalidArgumentError('It must be an address, such as ann@example.com.');
}

/** An origin without a scheme, such as `localhost:3000`, is read as `curl` reads it. */
function readOrigin(text: string): string {
  const url = text.includes('://') ? text : `http://${text}`;
  if (/^https?:/i.test(url) && URL.canParse(url)) return new URL(url).origin;
  throw new InvalidArgumentError('It must be an origin, such as http://localhost:3000.');
}

function addCompletion(program: Command): void {
  program
    .command('completion')
    .description('print the completion script of a shell')
    .addArgument(new Argument('<shell>', 'the shell').choices(SHELLS))
    .addHelpText('after', AFTER_COMPLETION)
    .action((shell: Shell) => void process.stdout.write(completionScript(shell, program)));
}

/** Wraps the action of a command. A failure is printed as one line, and the exit code is 1. */
function reportFailures<Input extends unknown[]>(work: (...input: Input) => Promise<void>) {
  return (...input: Input) => runCommand(() => work(...input));
}

/** The id of a generated key may begin with a hyphen. `--` before the id prevents that the id is read as an option. */
function separateKeyId(args: readonly string[]): readonly string[] {
  const index = args.findIndex((arg) => /^-[\w-]{42}$/.test(arg));
  return args[index - 1] === 'retire' ? [...args.slice(0, index), '--', ...args.slice(index)] : args;
}

function readVersion(): string {
  const path = new URL(import.meta.resolve('#package.json'));
  return (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version;
}
