/**
 * XML reduced to what a logo needs, and strict: elements, attributes, text, comments. Document types and entities of one's own, the usual
 * ways to attack a reader, are rejected with everything else that is not needed.
 * Implements: XML 1.0 §2.1–2.5, §2.7, §2.11, §3.1, §4.1 (character references), §4.6 (the five entities), without a document type.
 * Not here: namespaces and what elements mean (mail/bimi/svg.ts).
 */

export interface XmlElement {
  /** As written, prefix included. */
  readonly name: string;
  /** Attributes as written, references resolved, in order. */
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: readonly XmlElement[];
  /** Its own text, that of its children left out. */
  readonly text: string;
  /** Line of its tag, from 1. */
  readonly line: number;
}

/** The root element, or the first reason why `source` is not well formed (or not plain enough) and where. */
export function readXml(source: string, depthMax: number): XmlElement | { readonly wrong: string; readonly line: number } {
  const state: State = { source, at: 0, depthMax, lineStart: { at: 0, line: 1 } };
  const root = readDocument(state);
  if (typeof root !== 'string') return root;
  return { wrong: root, line: currentLine(state) };
}

interface State {
  readonly source: string;
  readonly depthMax: number;
  at: number;
  /** A place whose line is known, so that lines are counted once. */
  lineStart: { at: number; line: number };
}

/** XML 1.0 §2.3, the ASCII part and everything above it but a few signs. */
const NAME = /[A-Za-z_:][A-Za-z0-9_:.\-\u{b7}\u{c0}-\u{10ffff}]*/uy;
const SPACE = /[ \t\r\n]*/y;
const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };
// XML 1.0 §2.2: what no document may hold, however it is written.
const FORBIDDEN = /[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/u;

/** The line of `state.at`, from 1. */
function currentLine(state: State): number {
  let { at, line } = state.lineStart;
  for (; at < state.at; at++) if (state.source.charCodeAt(at) === 0x0a) line++;
  state.lineStart = { at, line };
  return line;
}

function take(state: State, pattern: RegExp): string {
  pattern.lastIndex = state.at;
  const text = pattern.exec(state.source)?.[0] ?? '';
  state.at += text.length;
  return text;
}

/** Moves behind `end` and gives what is before it. */
function takeUntil(state: State, end: string): string | undefined {
  const found = state.source.indexOf(end, state.at);
  if (found === -1) return undefined;
  const text = state.source.slice(state.at, found);
  state.at = found + end.length;
  return text;
}

function readDocument(state: State): XmlElement | string {
  const forbidden = FORBIDDEN.exec(state.source);
  if (forbidden !== null) {
    state.at = forbidden.index;
    return 'has a character that XML does not allow';
  }
  const declaration = /^<\?xml[ \t\r\n]+version[ \t]*=[ \t]*["']1\.0["']([^?<>]*)\?>/.exec(state.source);
  if (declaration !== null) {
    state.at = declaration[0].length;
    const encoding = /encoding[ \t]*=[ \t]*["']([^"']*)["']/.exec(declaration[1]!)?.[1] ?? 'utf-8';
    if (!/^(?:utf-8|us-ascii)$/i.test(encoding)) return `is declared as ${encoding}, not UTF-8`;
  }
  const before = skipBetween(state);
  if (before !== undefined) return before;
  if (state.source[state.at] !== '<') return state.at === state.source.length ? 'has no element' : 'has text before its first element';
  const root = readElement(state, 1);
  if (typeof root === 'string') return root;
  const after = skipBetween(state);
  if (after !== undefined) return after;
  return state.at === state.source.length ? root : 'has something after its last element';
}

/** Blanks and comments outside the root element. */
function skipBetween(state: State): string | undefined {
  for (;;) {
    take(state, SPACE);
    if (!state.source.startsWith('<!', state.at) && !state.source.startsWith('<?', state.at)) return undefined;
    const wrong = skipComment(state);
    if (wrong !== undefined) return wrong;
  }
}

/** At `<!` or `<?`: only comments are taken. */
function skipComment(state: State): string | undefined {
  if (state.source.startsWith('<?', state.at)) return 'has a processing instruction';
  if (state.source.startsWith('<!DOCTYPE', state.at)) return 'has a document type, which could define entities';
  if (!state.source.startsWith('<!--', state.at)) return 'has a declaration';
  state.at += 4;
  const comment = takeUntil(state, '--');
  // XML 1.0 §2.5: two hyphens only at the end.
  if (comment === undefined || state.source[state.at] !== '>') return 'has a comment that does not end, or has -- inside';
  state.at++;
  return undefined;
}

function readElement(state: State, depth: number): XmlElement | string {
  if (depth > state.depthMax) return `has more than ${state.depthMax} elements inside one another`;
  const line = currentLine(state);
  state.at++;
  const name = take(state, NAME);
  if (name === '') return 'has a < that begins no tag';
  const attributes = new Map<string, string>();
  for (;;) {
    const space = take(state, SPACE);
    if (state.source.startsWith('/>', state.at)) {
      state.at += 2;
      return { name, attributes, children: [], text: '', line };
    }
    if (state.source[state.at] === '>') break;
    if (space === '') return `has a tag <${name}> that does not end properly`;
    const wrong = readAttribute(state, name, attributes);
    if (wrong !== undefined) return wrong;
  }
  state.at++;
  const children: XmlElement[] = [];
  let text = '';
  for (;;) {
    const piece = takeUntil(state, '<');
    if (piece === undefined) return `has no end for <${name}> of line ${line}`;
    state.at--;
    if (piece.includes(']]>')) return 'has ]]> in text';
    const resolved = resolve(piece);
    if (resolved === undefined) return 'has a reference that is none of the five that XML knows by itself';
    text += resolved;
    if (state.source.startsWith('</', state.at)) break;
    if (state.source.startsWith('<![CDATA[', state.at)) {
      state.at += 9;
      const data = takeUntil(state, ']]>');
      if (data === undefined) return 'has a CDATA section that does not end';
      text += data;
      continue;
    }
    if (state.source[state.at + 1] === '!' || state.source[state.at + 1] === '?') {
      const wrong = skipComment(state);
      if (wrong !== undefined) return wrong;
      continue;
    }
    const child = readElement(state, depth + 1);
    if (typeof child === 'string') return child;
    children.push(child);
  }
  state.at += 2;
  const end = take(state, NAME);
  take(state, SPACE);
  if (end !== name || state.source[state.at] !== '>') return `ends <${name}> of line ${line} with </${end}>`;
  state.at++;
  return { name, attributes, children, text, line };
}

function readAttribute(state: State, element: string, attributes: Map<string, string>): string | undefined {
  const name = take(state, NAME);
  take(state, SPACE);
  if (name === '' || state.source[state.at] !== '=') return `has a tag <${element}> with something that is not attribute="value"`;
  state.at++;
  take(state, SPACE);
  const quote = state.source[state.at];
  if (quote !== '"' && quote !== "'") return `has ${name} of <${element}> without quotes`;
  state.at++;
  const value = takeUntil(state, quote);
  if (value === undefined || value.includes('<')) return `has ${name} of <${element}> without an end, or with < in it`;
  if (attributes.has(name)) return `has ${name} of <${element}> twice`;
  const resolved = resolve(value.replaceAll(/[\t\r\n]/g, ' '));
  if (resolved === undefined) return 'has a reference that is none of the five that XML knows by itself';
  attributes.set(name, resolved);
  return undefined;
}

/** Text with its references replaced; undefined when one is not known, or is a character that XML forbids. */
function resolve(text: string): string | undefined {
  let isWrong = false;
  const resolved = text.replaceAll(
    /&(?:#(\d{1,7})|#x([0-9A-Fa-f]{1,6})|([a-z]{1,4}));|&/g,
    (_, decimal?: string, hex?: string, name?: string) => {
      const code = decimal !== undefined ? Number(decimal) : hex !== undefined ? Number.parseInt(hex, 16) : undefined;
      const character =
        code === undefined ? (name !== undefined && Object.hasOwn(ENTITIES, name) ? ENTITIES[name] : undefined) : characterOf(code);
      isWrong ||= character === undefined;
      return character ?? '';
    },
  );
  return isWrong ? undefined : resolved;
}

function characterOf(code: number): string | undefined {
  const character = code <= 0x10ffff ? String.fromCodePoint(code) : undefined;
  return character === undefined || FORBIDDEN.test(character) ? undefined : character;
}
