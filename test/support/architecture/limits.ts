/**
 * A limit lives in base/limits/, with its reason, so that an operator who asks "how much of …?" reads one folder.
 * Found by its name (`*_MAX`, `*_MIN`, `*_MS`, `*_SECONDS`, `*_DEFAULT`) or, for sizes (`*_BYTES`), by being large: small ones are parts of formats.
 */
import { type Sources, withoutComments } from './sources.ts';

const CONSTANT = /^\s*(?:export )?const ([A-Z][A-Z0-9_]*)(?:: [^=]+)? = ([^;]+);/gm;
const LIMIT = /_(?:MAX|MIN|MS|SECONDS|DEFAULT|MAX_MS|MIN_MS)$/;
/** A size of so many octets or more is a choice, not a field of a format. */
const FORMAT_BYTES_MAX = 1023;

/** Numbers that are named like limits and are none of ours to choose: formats, units, other software's constants. */
const NO_LIMITS: Readonly<Record<string, string>> = {
  'admin/http/listen.ts SOCKET_PATH_BYTES_MAX': 'sun_path of Linux',
  'answer/cache/cache.ts PLACE_MAX': 'where a 32-bit place wraps',
  'answer/defence/cookie.ts SERVER_BYTES_MAX': 'RFC 7873 §4',
  'answer/defence/cookie.ts SERVER_BYTES_MIN': 'RFC 7873 §4',
  'answer/names/sorted-keys.ts PAGE_BITS_MAX': 'the shape of an index, measured',
  'answer/names/sorted-keys.ts PAGE_BITS_MIN': 'the shape of an index, measured',
  'base/units.ts HOUR_MS': 'a unit',
  'control/reports/zip-file.ts COMMENT_BYTES_MAX': 'the format of ZIP',
  'dns/compression.ts POINTER_OFFSET_MAX': 'RFC 1035 §4.1.4',
  'dns/rdata/wks.ts BITMAP_BYTES_MAX': 'RFC 1035 §3.4.2: one bit for each port',
  'dns/serial.ts SERIAL_STEP_MAX': 'RFC 1982 §3.1',
  'dns/zone-file-generate.ts INT_MAX': 'numbers of BIND',
  'dnssec/denial.ts WINDOW_BYTES_MAX': 'RFC 4034 §4.1.2',
  'store/data-file.ts LAST_PAGE_MAX': 'numbers of LMDB',
  'store/data-file.ts PAGE_BYTES_MAX': 'the format of LMDB',
  'store/data-file.ts PAGE_BYTES_MIN': 'the format of LMDB',
};

/** True when the value is made of numbers alone: what follows from another constant has its reason there. */
function isChosen(value: string): boolean {
  return /^[\d\s_a-fx.n*+()-]+$/.test(value);
}

function sizeOf(value: string): number {
  return value.split('*').reduce((product, factor) => product * Number(factor.replaceAll('_', '')), 1);
}

/** Limits that stand elsewhere, as `path NAME`, in order. */
export function findLimitsElsewhere(sources: Sources): string[] {
  const found: string[] = [];
  for (const [path, source] of sources) {
    if (path.startsWith('base/limits/')) continue;
    for (const [, name, value] of withoutComments(source).matchAll(CONSTANT)) {
      if (!isChosen(value!)) continue;
      const isLimit = LIMIT.test(name!) || (name!.endsWith('_BYTES') && sizeOf(value!) > FORMAT_BYTES_MAX);
      if (isLimit && NO_LIMITS[`${path} ${name}`] === undefined) found.push(`${path} ${name}`);
    }
  }
  return found.toSorted();
}
