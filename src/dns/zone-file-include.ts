/**
 * Included files from disk, confined to the folder of the zone file. An edge: it reads the disk, and what goes wrong there becomes a
 * problem of the `$INCLUDE` line. For programs that were given a file by its owner (the command line, `npm start`), not for text from
 * the network.
 * Implements: RFC 1035 §5.1 ($INCLUDE); the confinement is ours.
 */
import { closeSync, constants, fstatSync, openSync, readFileSync, realpathSync } from 'node:fs';
import { isAbsolute, join, relative, resolve, sep } from 'node:path';
import { ZONE_FILE_BYTES_MAX } from '#base/limits/admin.ts';
import { WHOLE } from '#base/place.ts';
import { type Result, fail, ok, problem } from '#base/problem.ts';
import { type IncludedFile } from './zone-file.ts';

/**
 * An `include` for `parseZoneFile`: paths are relative to `folder`, whichever file names them (as in BIND), and may not leave it: no
 * absolute path, no `..`, no symbolic link that leads out. Files are named in problems by `shownFolder` (default: `folder`) and their path.
 */
export function includeFrom(folder: string, shownFolder: string = folder): (path: string) => Result<IncludedFile> {
  const refuse = (path: string, why: string, fix?: string) =>
    fail(problem('INCLUDE_REFUSED', WHOLE, `${JSON.stringify(path)} is not included: ${why}`, fix === undefined ? {} : { fix }));
  return (path) => {
    if (isAbsolute(path) || path.split(/[/\\]/).includes('..'))
      return refuse(path, 'it is outside the folder of the zone file', 'put it beside the zone file and name it by a relative path');
    try {
      const root = realpathSync(resolve(folder));
      const real = realpathSync(join(root, path));
      const inside = relative(root, real);
      if (inside === '' || inside === '..' || inside.startsWith(`..${sep}`) || isAbsolute(inside))
        return refuse(path, 'a symbolic link leads out of the folder of the zone file');
      // The path is real: a link put there between these two lines gives ELOOP. Non-blocking: a pipe must not hang us.
      const descriptor = openSync(real, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
      try {
        const { size } = fstatSync(descriptor);
        if (!fstatSync(descriptor).isFile()) return refuse(path, 'it is not a file');
        if (size > ZONE_FILE_BYTES_MAX) return refuse(path, `it is larger than ${ZONE_FILE_BYTES_MAX} octets`);
        return ok({ text: readFileSync(descriptor, 'latin1'), file: join(shownFolder, path) });
      } finally {
        closeSync(descriptor);
      }
    } catch (cause) {
      return refuse(path, cause instanceof Error && 'code' in cause ? `the system says ${String(cause.code)}` : 'it cannot be read');
    }
  };
}
