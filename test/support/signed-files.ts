/** Zone files that BIND's dnssec-signzone has signed under keys of its own, with NSEC or with NSEC3 and opt-out. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runTool } from './tools.ts';

export interface SignedFile {
  readonly text: string;
  /** DS records of its KSK. */
  readonly ds: string;
}

const NSEC3_OPTIONS = ['-3', 'ab01', '-H', '5', '-A'] as const;

/** Signs `text` again and again under the keys in `folder`, which are made the first time. */
export async function signedFile(folder: string, zone: string, text: string, denial: 'nsec' | 'nsec3'): Promise<SignedFile> {
  const keys = join(folder, `${zone}.keys`);
  mkdirSync(keys, { recursive: true });
  const tool = async (program: string, words: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await runTool(program, words, { cwd: folder });
    if (code !== 0) throw new Error(`${program}: ${stdout}${stderr}`);
    return stdout.trim();
  };
  const names = join(keys, 'names');
  let ksk = '';
  try {
    ksk = readFileSync(names, 'utf8');
  } catch {
    ksk = await tool('dnssec-keygen', ['-q', '-a', '13', '-f', 'KSK', '-K', keys, zone]);
    await tool('dnssec-keygen', ['-q', '-a', '13', '-K', keys, zone]);
    writeFileSync(names, ksk);
  }
  const file = join(folder, `${zone}.zone`);
  writeFileSync(file, text);
  const options = denial === 'nsec3' ? NSEC3_OPTIONS : [];
  await tool('dnssec-signzone', ['-Q', '-S', '-K', keys, '-o', zone, '-f', `${file}.signed`, ...options, file]);
  return { text: readFileSync(`${file}.signed`, 'utf8'), ds: await tool('dnssec-dsfromkey', ['-2', join(keys, ksk)]) };
}
