/** The administrator's token file `<data>/admin.token`, made at the first start; whoever can read it may do everything. */
import { randomBytes } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { type ControlApi } from '#control/api/control.ts';

/** Makes sure that `path` holds a token that works, mode 0600. A file whose token was revoked gets a new one only when it is deleted. */
export async function ensureAdminToken(control: ControlApi, path: string): Promise<void> {
  try {
    readFileSync(path, 'utf8');
    return;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const { secret } = await control.createToken('admin.token', ['admin'], undefined, { kind: 'system', id: 'first-start', from: '' });
  const temporary = `${path}.${randomBytes(4).toString('hex')}`;
  writeFileSync(temporary, `${secret}\n`, { mode: 0o600, flag: 'wx', flush: true });
  renameSync(temporary, path);
}
