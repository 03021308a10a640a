/** Lines that should be JSON objects: read strictly, because JSON.parse takes the same key twice without a word. */

/** Keys that an object of `text`, valid JSON, has twice. */
export function doubleKeys(text: string): string[] {
  const found: string[] = [];
  const open: (Set<string> | undefined)[] = [];
  // Strings with the colon that makes them keys, and what opens and closes objects and lists.
  for (const [token, key] of text.matchAll(/("(?:[^"\\]|\\.)*")\s*:|"(?:[^"\\]|\\.)*"|[{}[\]]/g)) {
    if (token === '{') open.push(new Set());
    else if (token === '[') open.push(undefined);
    else if (token === '}' || token === ']') open.pop();
    else if (key !== undefined) {
      const keys = open.at(-1);
      if (keys?.has(key) === true) found.push(key);
      keys?.add(key);
    }
  }
  return found;
}

/** What is wrong with a line of a log of JSON objects; undefined: nothing. */
export function lineFault(line: string): string | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return 'no JSON';
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'no object';
  const twice = doubleKeys(line);
  if (twice.length > 0) return `${twice.join(', ')} twice`;
  const missing = ['time', 'level', 'process', 'pid', 'event', 'msg'].filter((field) => !(field in value));
  return missing.length > 0 ? `no ${missing.join(', ')}` : undefined;
}
