/** The process of an import of a running server, and what it might leave behind. */
import { readFileSync, readdirSync } from 'node:fs';
import { type RunningServer } from './running-server.ts';

/** Its number, once it is there. Throws when it does not come. */
export async function importChild(server: RunningServer): Promise<number> {
  const isOurs = (pid: string): boolean => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      const [words, about] = ['cmdline', 'stat'].map((each) => readFileSync(`/proc/${pid}/${each}`, 'latin1'));
      // Of this server: its parent is that one's control process.
      const parent = Number(about!.split(') ').at(-1)!.split(' ')[1]);
      return words!.startsWith('waxseal import') && parent === server.pids().control;
    } catch {
      // It is gone.
      return false;
    }
  };
  let pid: string | undefined;
  const isThere = (): boolean => (pid = readdirSync('/proc').find(isOurs)) !== undefined;
  if (!(await server.eventually(isThere))) throw new Error('the process of an import did not come');
  return Number(pid);
}

/** Files of imports and transfers anywhere in the server's folder. */
export function importLitter({ folder }: Pick<RunningServer, 'folder'>): readonly string[] {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return files.filter((file) => /import-|transfer-/.test(file));
}
