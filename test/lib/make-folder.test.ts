import { existsSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { makeFolder } from '../../src/lib/make-folder.ts';

const modeOf = (path: string) => statSync(path).mode & 0o777;

t.test('a folder and the missing folders above it are closed to other users', async (t) => {
  const root = t.testdir();
  const path = join(root, 'a', 'b', 'c');
  makeFolder(path);
  for (const made of [path, join(root, 'a', 'b'), join(root, 'a')]) t.equal(modeOf(made), 0o700, made);
  makeFolder(join(root, 'open'), 0o755);
  t.equal(modeOf(join(root, 'open')), 0o755 & ~process.umask());
});

t.test('a folder that exists, or is behind a symbolic link, is accepted and not changed', async (t) => {
  const root = t.testdir({ folder: {} });
  const [folder, link] = [join(root, 'folder'), join(root, 'link')];
  symlinkSync(folder, link);
  const mode = modeOf(folder);
  for (const path of ['/', '.', folder, link]) makeFolder(path);
  makeFolder(join(link, 'below'));
  t.ok(existsSync(join(folder, 'below')));
  t.equal(modeOf(folder), mode);
});

t.test('a folder that cannot be made fails with the error of the file system', async (t) => {
  const root = t.testdir({ file: '' });
  symlinkSync(join(root, 'none'), join(root, 'dangling'));
  t.throws(() => makeFolder(join(root, 'file')), { code: 'EEXIST' });
  t.throws(() => makeFolder(join(root, 'file', 'a')), { code: 'ENOTDIR' });
  t.throws(() => makeFolder(join(root, 'dangling')), { code: 'EEXIST' });
  t.throws(() => makeFolder(join(root, 'dangling', 'a')), { code: 'EEXIST' });
  t.throws(() => makeFolder(''), { code: 'ENOENT' });
});

t.test(
  'in a folder that exists but answers ENOENT, it fails',
  { skip: !existsSync('/proc/self') },
  async (t) => {
    for (const path of ['/proc/x', '/proc/x/y']) t.throws(() => makeFolder(path), { code: 'ENOENT' });
  },
);
