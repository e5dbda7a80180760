import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/**
 * The features of x86-64-v3, by their names in /proc/cpuinfo. Intel processors have had them since 2013, AMD processors
 * since 2015.
 */
const X86_64_V3 = ['abm', 'avx', 'avx2', 'bmi1', 'bmi2', 'f16c', 'fma', 'movbe', 'xsave'];

/** The Dockerfile compiles argon2 for x86-64-v3 into this folder. The binary of the package runs on all processors. */
const COMPILED = fileURLToPath(new URL('native/argon2-x86-64-v3', import.meta.resolve('#package.json')));

/** Whether the processor described by this text of /proc/cpuinfo runs code for x86-64-v3. */
export function isX8664V3(cpuinfo: string): boolean {
  const features = new Set(/^flags\s*:(.*)$/m.exec(cpuinfo)?.[1]?.split(' '));
  return X86_64_V3.every((feature) => features.has(feature));
}

// The library finds another binary by this variable only, and it reads the variable when it is loaded.
if (existsSync(COMPILED) && isX8664V3(readFileSync('/proc/cpuinfo', 'utf8')))
  process.env.ARGON2_PREBUILD ??= COMPILED;

export const { argon2id, hash, needsRehash, verify } = await import('argon2');
