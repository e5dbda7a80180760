import { existsSync, readFileSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { create } from 'tar';

/** The cache has one archive for each version of PGlite, because another version may not open it. */
const CACHED = join('.build', `embedded-${versionOfPGlite()}.tar.gz`);

/**
 * Writes the archive of an empty embedded database to the file. PGlite needs seconds to create a database, and
 * unpacking an archive takes a fraction of a second. So the program unpacks the archive at its first start.
 */
export async function writeEmbeddedArchive(file: string): Promise<void> {
  if (!existsSync(CACHED)) await createArchive();
  await mkdir(dirname(file), { recursive: true });
  await copyFile(CACHED, file);
}

async function createArchive(): Promise<void> {
  await mkdir('.build', { recursive: true });
  const draft = await mkdtemp(join('.build', 'embedded-'));
  const db = await PGlite.create(join(draft, 'pg'));
  await db.close();
  await create({ cwd: join(draft, 'pg'), file: join(draft, 'pg.tar.gz'), gzip: true, portable: true }, ['.']);
  await rename(join(draft, 'pg.tar.gz'), CACHED);
  await rm(draft, { recursive: true });
}

function versionOfPGlite(): string {
  const { dependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as {
    dependencies: { '@electric-sql/pglite': string };
  };
  return dependencies['@electric-sql/pglite'];
}
