/**
 * Names of operations, from which generated clients make names of functions: the method and the words of the path. A
 * word before a parameter is in the singular: `GET /v1/zones` is `getZones`, and `putZoneRrset` is
 * `PUT /v1/zones/{zone}/rrsets/{name}/{type}`. Where the singular is no other word, the parameter follows:
 * `deleteTsigName`.
 */

/** `url` as routes have it, `:name` for a parameter. */
export function operationIdOf(method: string, url: string): string {
  const segments = url.split('/').filter((each) => each !== '' && each !== 'v1');
  const words = segments.flatMap((segment, index) => {
    const following = segments[index + 1];
    if (segment.startsWith(':')) {
      const before = segments[index - 1] ?? '';
      return before.startsWith(':') || singularOf(before) !== before ? [] : [segment.slice(1)];
    }
    return [following?.startsWith(':') === true ? singularOf(segment) : segment];
  });
  return method.toLowerCase() + words.map(pascal).join('');
}

function singularOf(word: string): string {
  if (word.endsWith('ies')) return `${word.slice(0, -3)}y`;
  // `mta-sts`, `dnssec` and the like never stand before a parameter.
  return word.endsWith('s') ? word.slice(0, -1) : word;
}

/** `mta-sts` → `MtaSts`. */
export function pascal(text: string): string {
  return text
    .split(/[^A-Za-z0-9]+/)
    .map((each) => each.charAt(0).toUpperCase() + each.slice(1))
    .join('');
}
