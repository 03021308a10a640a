/** Which folders a signer may have, and that nothing in them is touched but what the mark lists. */
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { FolderRefusal, finishFiles, inspectFolder, lookAtFiles, placeFiles, prepareFolder } from '#control/signers/export-folder.ts';
import { temporaryFolder } from '../../support/temporary-store.ts';

const owner = (folder: string, installation = 'ours') => ({ folder, installation });
const fresh = (unique: string) => ({ files: [['a/key.pem', unique]] as const, description: unique, nowMs: 0, unique });

/** Every name below, with its kind, rights and content or target. */
function picture(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .toSorted()
    .map((name) => {
      const path = join(folder, name);
      const found = lstatSync(path);
      const content = found.isFile() ? readFileSync(path, 'utf8') : found.isSymbolicLink() ? readlinkSync(path) : '';
      return `${name} ${found.mode.toString(8)} ${content}`;
    });
}

/** What `act` was refused for; the disk must be as it was. */
function refusal(root: string, act: () => unknown): FolderRefusal {
  const before = picture(root);
  try {
    act();
  } catch (error) {
    expect(picture(root)).toEqual(before);
    if (error instanceof FolderRefusal) return error;
    throw error;
  }
  throw new Error('it was not refused');
}

describe('a folder that may be used', () => {
  const MAKE: Readonly<Record<string, (folder: string) => void>> = {
    'is absent': () => {},
    'is absent, as the one above it': () => {},
    'is empty': (folder) => mkdirSync(folder),
    'is ours': (folder) => void prepareFolder(owner(folder), []),
    'is ours, with files': (folder) => {
      prepareFolder(owner(folder), []);
      finishFiles(owner(folder), placeFiles(owner(folder), fresh('aa')));
    },
  };
  test.each(Object.entries(MAKE))('%s', (what, make) => {
    const root = temporaryFolder();
    const folder = join(root, what.includes('above') ? 'above/mx1' : 'mx1');
    make(folder);
    const before = picture(root);
    inspectFolder(owner(folder), []);
    expect(picture(root)).toEqual(before);
    expect(prepareFolder(owner(folder), [])).toBe(realpathSync(folder));
    if (what.startsWith('is absent')) expect((statSync(folder).mode & 0o777).toString(8)).toBe('700');
    expect(lookAtFiles(owner(folder))?.isDone).toBe(what === 'is ours, with files' ? true : undefined);
  });

  test('an empty folder that was there keeps its rights; what is written into it is for its owner alone', () => {
    const folder = join(temporaryFolder(), 'mx1');
    mkdirSync(folder);
    chmodSync(folder, 0o755);
    prepareFolder(owner(folder), []);
    const version = placeFiles(owner(folder), fresh('aa'));
    expect((statSync(folder).mode & 0o777).toString(8)).toBe('755');
    expect((statSync(join(folder, version)).mode & 0o777).toString(8)).toBe('700');
  });
});

describe('a folder that may not be used', () => {
  const MAKE: readonly (readonly [string, (folder: string, root: string) => void, RegExp])[] = [
    ['holds files of others', (folder) => (mkdirSync(folder), writeFileSync(join(folder, 'notes.txt'), 'mine')), /not empty: notes\.txt$/],
    ['holds a version of others', (folder) => mkdirSync(join(folder, 'v-20250101000000-ab'), { recursive: true }), /not empty/],
    ['is a file', (folder) => writeFileSync(folder, ''), /is not a folder$/],
    ['is a link', (folder, root) => (mkdirSync(join(root, 'real')), symlinkSync('real', folder)), /is a link$/],
    ['is a link that leads nowhere', (folder) => symlinkSync('nowhere', folder), /leads nowhere/],
    ['is one that everyone may write to', (folder) => (mkdirSync(folder), chmodSync(folder, 0o777)), /everyone may write/],
    ["has another server's mark", (folder) => void prepareFolder(owner(folder, 'theirs'), []), /another waxseal, installation theirs/],
    ['has a mark that is none', (folder) => (mkdirSync(folder), writeFileSync(join(folder, '.waxseal'), '{}')), /not a mark/],
    ['has a folder for a mark', (folder) => mkdirSync(join(folder, '.waxseal'), { recursive: true }), /not empty/],
  ];
  test.each(MAKE)('%s', (_what, make, message) => {
    const root = temporaryFolder();
    const folder = join(root, 'mx1');
    make(folder, root);
    for (const act of [inspectFolder, prepareFolder]) expect(refusal(root, () => act(owner(folder), [])).message).toMatch(message);
  });

  test('lies below a file', () => {
    const root = temporaryFolder();
    writeFileSync(join(root, 'file'), '');
    for (const folder of ['file/mx1', 'file/above/mx1'])
      expect(refusal(root, () => prepareFolder(owner(join(root, folder)), [])).message).toMatch(/file/);
  });

  // The kernel says that it does not exist, however often its parent is made: what `mkdir -p` of some runtimes never ends with.
  test.each(['/proc/waxseal', '/proc/waxseal/mx1', '/sys/waxseal/mx1'])('%s can never be made, and the try ends', (folder) => {
    expect(() => prepareFolder(owner(folder), [])).toThrow(FolderRefusal);
  });
});

describe('a folder of another signer', () => {
  const root = () => {
    const at = temporaryFolder();
    prepareFolder(owner(join(at, 'keys/mx1')), []);
    symlinkSync('keys', join(at, 'alias'));
    symlinkSync('keys/mx1', join(at, 'link'));
    return at;
  };
  test.each(['keys/mx1', 'alias/mx1', 'link', 'keys', 'alias', 'keys/mx1/sub', 'alias/mx1/sub/sub', 'link/sub', '.'])(
    '%s is taken',
    (path) => {
      const at = root();
      const taken = refusal(at, () => prepareFolder(owner(join(at, path)), [{ signer: 'mx1', folder: join(at, 'keys/mx1') }]));
      expect([taken.isTaken, taken.message]).toEqual([true, expect.stringContaining('the folder of the signer mx1')]);
    },
  );

  test.each(['keys/mx10', 'keys/mx', 'other', 'alias/mx2'])('%s is not', (path) => {
    const at = root();
    prepareFolder(owner(join(at, path)), [{ signer: 'mx1', folder: join(at, 'keys/mx1') }]);
    expect(readdirSync(join(at, path))).toEqual(['.waxseal']);
  });
});

test("a folder of another signer that is gone, or leads nowhere, keeps no other signer's folder from being made", () => {
  const root = temporaryFolder();
  symlinkSync('nowhere', join(root, 'dangling'));
  const others = ['gone/mx1', 'dangling', 'dangling/mx1'].map((path) => ({ signer: path, folder: join(root, path) }));
  // With the path that is known the disk of the other one is not asked: a dead one would not answer.
  const known = { signer: 'mx9', folder: '/dead/disk/mx9', realFolder: join(root, 'real/mx9') };
  expect(prepareFolder(owner(join(root, 'mx2')), [...others, known])).toBe(join(root, 'mx2'));
  expect(refusal(root, () => prepareFolder(owner(join(root, 'real')), [known])).isTaken).toBe(true);
});

describe('what is removed', () => {
  test('only what the mark lists, however alike the rest is', () => {
    const folder = join(temporaryFolder(), 'mx1');
    prepareFolder(owner(folder), []);
    finishFiles(owner(folder), placeFiles(owner(folder), fresh('aa')));
    mkdirSync(join(folder, 'v-20250101000000-bb'));
    mkdirSync(join(folder, '.new-cc'));
    writeFileSync(join(folder, '.done'), '');
    const second = placeFiles(owner(folder), fresh('dd'));
    finishFiles(owner(folder), second);
    expect(readdirSync(folder).toSorted()).toEqual(['.done', '.new-cc', '.waxseal', 'current', second, 'v-20250101000000-bb']);
    expect(lookAtFiles(owner(folder))).toEqual({ version: second, description: 'dd', isDone: true });
  });

  test('what a crash left behind goes with the next export', () => {
    const folder = join(temporaryFolder(), 'mx1');
    prepareFolder(owner(folder), []);
    const first = placeFiles(owner(folder), fresh('aa'));
    // As if it had died after it had written its mark, and before it had renamed the folder.
    const mark = JSON.parse(readFileSync(join(folder, '.waxseal'), 'utf8')) as { entries: string[] };
    mark.entries.push('.new-bb', 'v-19700101000000-bb');
    writeFileSync(join(folder, '.waxseal'), JSON.stringify(mark));
    mkdirSync(join(folder, '.new-bb'));
    expect(lookAtFiles(owner(folder))).toEqual({ version: first, description: 'aa', isDone: false });
    const version = placeFiles(owner(folder), fresh('cc'));
    finishFiles(owner(folder), version);
    expect(readdirSync(folder).toSorted()).toEqual(['.waxseal', 'current', version]);
  });

  test('nothing outside, whatever a mark says', () => {
    const root = temporaryFolder();
    const folder = join(root, 'mx1');
    mkdirSync(join(root, 'precious'));
    prepareFolder(owner(folder), []);
    const mark = { product: 'waxseal', installation: 'ours', entries: ['../precious', '/etc', 'precious', '.'] };
    writeFileSync(join(folder, '.waxseal'), JSON.stringify(mark));
    mkdirSync(join(folder, 'precious'));
    finishFiles(owner(folder), placeFiles(owner(folder), fresh('aa')));
    expect([statSync(join(root, 'precious')).isDirectory(), statSync(join(folder, 'precious')).isDirectory()]).toEqual([true, true]);
  });

  test.each<[string, (folder: string) => void]>([
    ['a folder', (folder) => mkdirSync(join(folder, 'current'))],
    ['a file', (folder) => writeFileSync(join(folder, 'current'), '')],
    ['a link of others', (folder) => symlinkSync('elsewhere', join(folder, 'current'))],
    ['a link to a version of others', (folder) => symlinkSync('v-20250101000000-bb', join(folder, 'current'))],
  ])('%s in the place of the link is in the way', (_what, make) => {
    const root = temporaryFolder();
    const folder = join(root, 'mx1');
    prepareFolder(owner(folder), []);
    make(folder);
    expect(refusal(root, () => placeFiles(owner(folder), fresh('aa'))).message).toContain('is in the way');
  });
});

test('a folder of a version that set no mark is taken over with the files in use, and with nothing else', () => {
  const folder = join(temporaryFolder(), 'mx1');
  for (const name of ['v-20250101000000-aa', 'v-20250101000000-bb']) {
    mkdirSync(join(folder, name), { recursive: true });
    writeFileSync(join(folder, name, '.description'), name);
  }
  symlinkSync('v-20250101000000-bb', join(folder, 'current'));
  // Not for a new signer: who says that these are not somebody's files.
  expect(() => inspectFolder(owner(folder), [])).toThrow('not empty');
  const version = placeFiles(owner(folder), fresh('cc'));
  finishFiles(owner(folder), version);
  expect(readdirSync(folder).toSorted()).toEqual(['.waxseal', 'current', version, 'v-20250101000000-aa'].toSorted());
});
