import { cp, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import ts from 'typescript';

const PROGRAM = `
import { createClient, SessionError, type SessionState, type TokenPair } from 'kinship-client';
const session = createClient({ url: 'https://auth.example.com', storage: null });
const pair: TokenPair = { access: 'a', refresh: 'b', expiresIn: 900 };
export const token: Promise<string | null> = session.adopt(pair).then(() => session.token());
session.subscribe((state: SessionState) => state.signedIn);
export const isPassing = (error: unknown) => error instanceof SessionError && error.recovery === 'retry';
// @ts-expect-error: an unknown scope
void session.logOut('everything');
`;

const { ModuleKind, ModuleResolutionKind } = ts;

const settings: Record<string, ts.CompilerOptions> = {
  node: {
    module: ModuleKind.ESNext,
    moduleResolution: ModuleResolutionKind.Node10,
    ignoreDeprecations: '6.0',
  },
  node16: { module: ModuleKind.Node16, moduleResolution: ModuleResolutionKind.Node16 },
  nodenext: { module: ModuleKind.NodeNext, moduleResolution: ModuleResolutionKind.NodeNext },
  bundler: { module: ModuleKind.ESNext, moduleResolution: ModuleResolutionKind.Bundler },
};

t.test('the declarations compile under each moduleResolution', async (t) => {
  const folder = t.testdir({ 'package.json': '{ "type": "module" }', 'program.ts': PROGRAM });
  await installClient(folder);
  for (const [name, options] of Object.entries(settings)) {
    const program = ts.createProgram([join(folder, 'program.ts')], {
      ...options,
      target: ts.ScriptTarget.ES2022,
      lib: ['lib.es2022.d.ts', 'lib.dom.d.ts'],
      types: [],
      strict: true,
      exactOptionalPropertyTypes: true,
      noEmit: true,
    });
    const faults = ts.getPreEmitDiagnostics(program);
    t.same(
      faults.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n')),
      [],
      name,
    );
  }
});

/** Installs the client as a package manager does: its manifest and a fresh build, without the sources. */
async function installClient(folder: string): Promise<void> {
  const place = join(folder, 'node_modules/kinship-client');
  await mkdir(place, { recursive: true });
  await cp('client/package.json', join(place, 'package.json'));
  const config = ts.getParsedCommandLineOfConfigFile(
    'client/tsconfig.json',
    { outDir: join(place, 'dist'), composite: false, incremental: false, declaration: true },
    { ...ts.sys, onUnRecoverableConfigFileDiagnostic: ({ messageText }) => t.fail(String(messageText)) },
  );
  if (!config) throw new Error('client/tsconfig.json cannot be read');
  const { tsBuildInfoFile: _, ...options } = config.options;
  ts.createProgram(config.fileNames, options).emit();
}
