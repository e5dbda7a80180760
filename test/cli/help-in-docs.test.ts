import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import t from 'tap';
import { createProgram } from '../../src/cli/program.ts';

/** The command and its commands, as the help lists them: `setup` is hidden. */
function commandsIn(command: Command): Command[] {
  const isListed = (name: string) =>
    command
      .createHelp()
      .visibleCommands(command)
      .some((each) => each.name() === name);
  return [command, ...command.commands.filter((each) => isListed(each.name())).flatMap(commandsIn)];
}

function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;
}

/** What `--help` prints, whatever the width of the terminal. */
function helpOf(command: Command): string {
  let text = '';
  command.configureOutput({
    writeOut: (more) => {
      text += more;
    },
    getOutHelpWidth: () => 80,
  });
  command.outputHelp();
  return text;
}

t.test('docs/cli.md contains the exact help of every command', async (t) => {
  const document = await readFile('docs/cli.md', 'utf8');
  const blocks = [...document.matchAll(/^```text\n\$ (kinship.*?) --help\n([\s\S]*?)^```$/gm)];
  const shown = new Map(blocks.map(([, path = '', help = '']) => [path, help]));
  const commands = commandsIn(createProgram());
  for (const command of commands) t.equal(shown.get(pathOf(command)), helpOf(command), pathOf(command));
  t.equal(shown.size, commands.length, 'the document shows no command that is gone');
});
