import type { Command, Option } from 'commander';
import { bashScript } from './completion/bash.ts';
import type { CompletionContext, Word } from './completion/context.ts';
import { zshScript } from './completion/zsh.ts';

export const SHELLS = ['bash', 'zsh'] as const;
export type Shell = (typeof SHELLS)[number];

/** `kinship completion`: returns the completion script of a shell. */
export function completionScript(shell: Shell, program: Command): string {
  const shown = shownCommands(program, program.name());
  const contexts = {
    groups: shown.filter(({ subcommands }) => subcommands.length > 0).map(commandContext),
    commands: [...shown.flatMap(helpContexts), ...shown.map(commandContext)],
    options: shown.flatMap(optionContexts),
  };
  return shell === 'bash' ? bashScript(contexts) : zshScript(contexts);
}

interface ShownCommand {
  readonly path: string;
  readonly command: Command;
  /** The subcommands that the help lists. */
  readonly subcommands: readonly Command[];
}

/** The command and all commands below it that the help lists. */
function shownCommands(command: Command, path: string): ShownCommand[] {
  const visible = command.createHelp().visibleCommands(command);
  const subcommands = command.commands.filter((each) => visible.includes(each));
  const below = subcommands.flatMap((each) => shownCommands(each, `${path} ${each.name()}`));
  return [{ path, command, subcommands }, ...below];
}

function commandContext({ path, command, subcommands }: ShownCommand): CompletionContext {
  const words = [
    ...subcommands.map(commandWord),
    ...command.registeredArguments.flatMap(choiceWords),
    ...command.options.map(({ long, description }) => ({ text: long ?? '', description })),
    { text: '--help', description: 'print this help' },
  ];
  const takesFile = command.registeredArguments.some((argument) => argument.name() === 'file');
  return { path, words, names: takesFile ? 'files' : null };
}

/** The words after `kinship help COMMAND`: the subcommands of COMMAND. Empty if it has none. */
function helpContexts({ path, subcommands }: ShownCommand): CompletionContext[] {
  const [program, ...words] = path.split(' ');
  if (subcommands.length === 0) return [];
  return [{ path: [program, 'help', ...words].join(' '), words: subcommands.map(commandWord), names: null }];
}

function commandWord(command: Command): Word {
  return { text: command.name(), description: command.description() };
}

function optionContexts({ path, command }: ShownCommand): CompletionContext[] {
  return command.options
    .filter(({ required, optional }) => required || optional)
    .map((option) => ({
      path: `${path} ${option.long}`,
      words: choiceWords(option),
      names: namesFor(option),
    }));
}

function choiceWords({ argChoices = [], description }: Pick<Option, 'argChoices' | 'description'>) {
  return argChoices.map((text) => ({ text, description }));
}

function namesFor({ flags }: Option): CompletionContext['names'] {
  if (flags.endsWith('<folder>')) return 'folders';
  return flags.endsWith('<file>') ? 'files' : null;
}
