import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import ts from 'typescript';
import type { Manifest } from './chart.ts';

/** The API group of the Prometheus operator, which the package of types does not have. */
export const WITHOUT_TYPES = 'monitoring.coreos.com/v1';

const OPTIONS: ts.CompilerOptions = {
  strict: true,
  noEmit: true,
  skipLibCheck: true,
  types: [],
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.Node16,
  moduleResolution: ts.ModuleResolutionKind.Node16,
};

/**
 * The faults of these manifests. The TypeScript types of Kubernetes find unknown and missing members and wrong types.
 * Then the schemas of Kubernetes find values of a wrong form. `folder` lies in the repository, so that packages are
 * found.
 */
export async function faultsOf(manifests: readonly Manifest[], folder: string): Promise<readonly string[]> {
  const typed = manifests.filter(({ apiVersion }) => apiVersion !== WITHOUT_TYPES);
  const values = await Promise.all(typed.map(faultOfValues));
  return [...faultsOfTypes(typed, folder), ...values.flat()];
}

function faultsOfTypes(manifests: readonly Manifest[], folder: string): readonly string[] {
  const lines = manifests.map((manifest, index) => {
    const type = `import('kubernetes-models/${manifest.apiVersion}').I${manifest.kind}`;
    return `export const manifest${index}: ${type} = ${JSON.stringify(manifest)};`;
  });
  const file = resolve(join(folder, 'manifests.mts'));
  writeFileSync(file, lines.join('\n'));
  const program = ts.createProgram([file], OPTIONS);
  return ts
    .getPreEmitDiagnostics(program)
    .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, ' '));
}

async function faultOfValues(manifest: Manifest): Promise<readonly string[]> {
  const models = await import(`kubernetes-models/${manifest.apiVersion}`);
  try {
    new models[manifest.kind](manifest).validate();
    return [];
  } catch (error) {
    return [`${manifest.kind}: ${error}`];
  }
}
