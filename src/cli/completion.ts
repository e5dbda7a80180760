import type { Command, Option } from 'commander';
import { bashScript } from './completion/bash.ts';
import type { CompletionContext } from './completion/context.ts';
import { zshScript } from './completion/zsh.ts';

export const SHELLS = ['bash', 'zsh'] as const;
export type Shell = (typeof SHELLS)[number];

/** `kinship completion`: returns the completion script of a shell. */
export function completionScript(shell: Shell, program: Command): string {
  const contexts = contextsIn(program, program.name());
  return shell === 'bash' ? bashScript(contexts) : zshScript(contexts);
}

function contextsIn(command: Command, path: string): CompletionContext[] {
  const { options } = command;
  const shown = command.createHelp().visibleCommands(command);
  const visible = command.commands.filter((each) => shown.includes(each));
  const help = { text: '--help', description: 'print this help' };
  const words = [
    ...visible.map((each) => ({ text: each.name(), description: each.description() })),
    ...command.registeredArguments.flatMap(({ argChoices = [], description }) =>
      argChoices.map((text) => ({ text, description })),
    ),
    ...options.map(({ long, description }) => ({ text: long ?? '', description })),
    help,
  ];
  const folderOptions = options.filter(takesFolder).map(({ long }) => long ?? '');
  const below = visible.flatMap((each) => contextsIn(each, `${path} ${each.name()}`));
  return [{ path, words, folderOptions }, ...below];
}

function takesFolder({ flags }: Option): boolean {
  return flags.endsWith('<folder>');
}
