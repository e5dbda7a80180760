import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import t from 'tap';
import { createProgram } from '../../src/cli/program.ts';

/** The command and its subcommands in the help, which does not list `setup`. */
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

/** The output of `--help`, independent of the width of the terminal. */
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
  t.equal(shown.size, commands.length, 'the document has no command that was removed');
});

t.test('docs/cli.md has a row for each command, with its npm script', async (t) => {
  const document = await readFile('docs/cli.md', 'utf8');
  const { scripts } = JSON.parse(await readFile('package.json', 'utf8'));
  const rows = [
    ...document.matchAll(/^\| \[`kinship (\w+)`\]\(#\w+\) \| (?:`npm (?:run )?(\w+)[^|]*)?\|$/gm),
  ];
  const shown = rows.map(([, command, script]) => [command, script]);
  const listed = commandsIn(createProgram()).filter(({ parent }) => parent?.parent === null);
  const expected = listed.map((command) => {
    const script = command.name() === 'serve' ? 'start' : command.name();
    return [command.name(), script in scripts ? script : undefined];
  });
  t.same(shown, expected);
});

t.test('both images have a program for each command that works in a container', async (t) => {
  const dockerfile = await readFile('Dockerfile', 'utf8');
  const loops = [...dockerfile.matchAll(/for name in ([\w ]+); do/g)].map(([, names = '']) =>
    names.split(' '),
  );
  const closed = [...dockerfile.matchAll(/chmod 755 kinship ([\w ]+)/g)].map(([, names = '']) =>
    names.split(' '),
  );
  const names = commandsIn(createProgram())
    .filter(({ parent }) => parent?.parent === null)
    .map((command) => command.name())
    // The image runs `serve` by default, has no shell that could complete commands, and a program `help` would mislead.
    .filter((name) => !['serve', 'completion', 'help'].includes(name));
  t.same(loops, [names.toSorted(), [...names, 'setup'].toSorted()]);
  t.same(closed, loops);
});
