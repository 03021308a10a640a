/**
 * Is a file a logo that mail programs show: SVG Tiny Portable/Secure, checked against an allow list (svg-profile.ts).
 * Implements: draft-svg-tiny-ps-abrotman-12 §2 (profile, size, title), RFC 6170 §5.2 (no outside references).
 * Not here: whether it has two colours or looks right, and SVGZ: the file is checked unpacked.
 */
import { BIMI_SVG_BYTES_MAX, BIMI_SVG_DEPTH_MAX, BIMI_SVG_DRAWN_MAX } from '#base/limits/mail.ts';
import { BIMI_SIDE_PIXELS_MIN, BIMI_TITLE_CHARACTERS_MAX } from '#base/limits/mail.ts';
import { type Place, WHOLE, atLine } from '#base/place.ts';
import { ProblemList } from '#base/problem-list.ts';
import { type Result, fail, problem, warning } from '#base/problem.ts';
import { SVG_ELEMENTS, SVG_FIXED_VALUES, SVG_REFUSED } from './svg-profile.ts';
import { resultOf } from '#mail/text/tag-list.ts';
import { readXml, type XmlElement } from '#base/xml.ts';

/** A logo that passed. */
export interface BimiSvg {
  /** Its title, for people who cannot see it. */
  readonly title: string;
  readonly sizeBytes: number;
}

const RFC = 'draft-svg-tiny-ps-abrotman-12 §2';
const NAMESPACES: Readonly<Record<string, string>> = {
  xmlns: 'http://www.w3.org/2000/svg',
  'xmlns:xlink': 'http://www.w3.org/1999/xlink',
};

/** The logo, or every reason why mail programs would not show it. Never throws. */
export function checkBimiSvg(file: Uint8Array): Result<BimiSvg> {
  if (file[0] === 0x1f && file[1] === 0x8b)
    return fail(
      problem('BIMI_SVG_XML', WHOLE, 'is compressed (SVGZ)', { fix: 'unpack it: large receivers take plain SVG only' }),
    );
  if (file.length > BIMI_SVG_BYTES_MAX)
    return fail(
      problem('BIMI_SVG_SIZE', WHOLE, `has ${file.length} octets; at most ${BIMI_SVG_BYTES_MAX} are shown`, {
        rfc: `${RFC}.4`,
        fix: 'simplify its paths and round their numbers',
      }),
    );
  let source: string;
  try {
    source = new TextDecoder('utf-8', { fatal: true }).decode(file);
  } catch {
    return fail(problem('BIMI_SVG_XML', WHOLE, 'is not UTF-8', { rfc: 'XML 1.0 §4.3.3' }));
  }
  const root = readXml(source, BIMI_SVG_DEPTH_MAX);
  if ('wrong' in root) return fail(problem('BIMI_SVG_XML', atLine(root.line), root.wrong, { rfc: 'XML 1.0' }));

  const problems = new ProblemList();
  const ids = collectIds(root, problems);
  if (root.name !== 'svg')
    problems.push(
      problem('BIMI_SVG_ELEMENT', atLine(root.line), `<${root.name}> is the outermost element, not <svg>`, {
        rfc: RFC,
      }),
    );
  checkRoot(root, problems);
  const title = checkTitle(root, problems);
  checkElement(root, ids, problems, true);
  checkUses(root, ids, problems);
  return resultOf(problems.list(), () => ({ title, sizeBytes: file.length }));
}

/** Elements by id; an id given twice is a problem, because a reference to it is a guess. */
function collectIds(root: XmlElement, problems: ProblemList): Map<string, XmlElement> {
  const ids = new Map<string, XmlElement>();
  const visit = (element: XmlElement) => {
    for (const name of ['id', 'xml:id']) {
      const id = element.attributes.get(name);
      if (id === undefined || ids.get(id) === element) continue;
      if (ids.has(id))
        problems.push(problem('BIMI_SVG_XML', atLine(element.line), `the id ${JSON.stringify(id)} is given twice`));
      ids.set(id, element);
    }
    element.children.forEach(visit);
  };
  visit(root);
  return ids;
}

function checkRoot(root: XmlElement, problems: ProblemList): void {
  const at = atLine(root.line);
  for (const [name, value] of Object.entries({ xmlns: NAMESPACES['xmlns']!, version: '1.2', baseProfile: 'tiny-ps' })) {
    const found = root.attributes.get(name);
    if (found !== value)
      problems.push(
        problem('BIMI_SVG_PROFILE', at, `${name} is ${found === undefined ? 'missing' : JSON.stringify(found)}`, {
          rfc: `${RFC}.1`,
          fix: `write ${name}="${value}"`,
        }),
      );
  }
  // §6.2: drawing programs write these.
  for (const name of ['x', 'y'])
    if (root.attributes.has(name))
      problems.push(
        problem('BIMI_SVG_ATTRIBUTE', at, `${name} on the outermost element is not allowed`, { rfc: `${RFC}.1` }),
      );
  checkShape(root, at, problems);
}

/** What the largest mailbox providers ask of width, height and view box beyond the profile. */
function checkShape(root: XmlElement, at: Place, problems: ProblemList): void {
  const viewBox = root.attributes.get('viewBox');
  const numbers = viewBox
    ?.trim()
    .split(/[\s,]+/)
    .map(Number);
  if (numbers === undefined) problems.push(warning('BIMI_SVG_SHAPE', at, 'has no viewBox, so it does not scale'));
  else if (numbers.length !== 4 || !numbers.every(Number.isFinite) || !(numbers[2]! > 0 && numbers[3]! > 0))
    problems.push(
      problem('BIMI_SVG_SHAPE', at, `viewBox ${JSON.stringify(viewBox)} is not four numbers with a width and a height`),
    );
  else if (numbers[2] !== numbers[3])
    problems.push(warning('BIMI_SVG_SHAPE', at, 'is not square, and will be cut or padded'));
  for (const name of ['width', 'height']) {
    const value = root.attributes.get(name);
    const pixels = /^([0-9.]+)(?:px)?$/.exec(value ?? '')?.[1];
    if (value !== undefined && pixels === undefined)
      problems.push(
        warning(
          'BIMI_SVG_SHAPE',
          at,
          `${name} ${JSON.stringify(value)} is not in pixels, and large receivers refuse that`,
        ),
      );
    else if (Number(pixels) < BIMI_SIDE_PIXELS_MIN)
      problems.push(warning('BIMI_SVG_SHAPE', at, `${name} is less than ${BIMI_SIDE_PIXELS_MIN} pixels`));
  }
}

function checkTitle(root: XmlElement, problems: ProblemList): string {
  const at = atLine(root.line);
  const rfc = `${RFC}.1`;
  const titles = root.children.filter((child) => child.name === 'title');
  const title = titles[0]?.text.trim() ?? '';
  if (titles.length === 0)
    problems.push(
      problem('BIMI_SVG_TITLE', at, 'has no <title>', {
        rfc,
        fix: 'add <title>name of the brand</title> as first element',
      }),
    );
  else if (title === '')
    problems.push(problem('BIMI_SVG_TITLE', atLine(titles[0]!.line), 'has an empty <title>', { rfc }));
  if (titles.length > 1)
    problems.push(problem('BIMI_SVG_TITLE', atLine(titles[1]!.line), 'has more than one <title>', { rfc }));
  if (title.length > BIMI_TITLE_CHARACTERS_MAX)
    problems.push(
      warning(
        'BIMI_SVG_TITLE',
        atLine(titles[0]!.line),
        `has a title of more than ${BIMI_TITLE_CHARACTERS_MAX} characters`,
        { rfc },
      ),
    );
  for (const desc of root.children)
    if (desc.name === 'desc' && desc.text.trim() === '')
      problems.push(problem('BIMI_SVG_TITLE', atLine(desc.line), 'has an empty <desc>', { rfc }));
  return title;
}

function checkElement(
  element: XmlElement,
  ids: ReadonlyMap<string, XmlElement>,
  problems: ProblemList,
  isRoot = false,
): void {
  const at = atLine(element.line);
  const rule = Object.hasOwn(SVG_ELEMENTS, element.name) ? SVG_ELEMENTS[element.name]! : undefined;
  if (rule === undefined) {
    // What is inside something unknown would only repeat the problem; the caller reports the root.
    const why = Object.hasOwn(SVG_REFUSED, element.name) ? `: ${SVG_REFUSED[element.name]}` : '';
    if (!isRoot)
      problems.push(problem('BIMI_SVG_ELEMENT', at, `<${element.name}> is not allowed${why}`, { rfc: `${RFC}.3` }));
    return;
  }
  if (!rule.hasText && element.text.trim() !== '')
    problems.push(problem('BIMI_SVG_ELEMENT', at, `<${element.name}> has text in it`, { rfc: RFC }));
  for (const [name, value] of element.attributes) checkAttribute(element, name, value, ids, problems, isRoot);
  for (const child of element.children) {
    const isKnown = Object.hasOwn(SVG_ELEMENTS, child.name);
    if (isKnown && !rule.children.has(child.name))
      problems.push(
        problem('BIMI_SVG_ELEMENT', atLine(child.line), `<${child.name}> does not belong into <${element.name}>`, {
          rfc: RFC,
        }),
      );
    checkElement(child, ids, problems);
  }
}

function checkAttribute(
  element: XmlElement,
  name: string,
  value: string,
  ids: ReadonlyMap<string, XmlElement>,
  problems: ProblemList,
  isRoot: boolean,
): void {
  const at = atLine(element.line);
  if (name === 'xmlns' || name.startsWith('xmlns:')) {
    // The root's own namespace has been checked; other vocabularies may be declared and not used.
    if (
      name in NAMESPACES
        ? value !== NAMESPACES[name] && !(isRoot && name === 'xmlns')
        : name === 'xmlns:xml' || Object.values(NAMESPACES).includes(value)
    )
      problems.push(problem('BIMI_SVG_XML', at, `${name} gives a name to the wrong namespace`));
    return;
  }
  if (isRoot && (name === 'x' || name === 'y')) return; // already reported
  if (!SVG_ELEMENTS[element.name]!.attributes.has(name)) {
    const why = /^on/i.test(name)
      ? ': event handlers are scripts'
      : name === 'style'
        ? ': write its properties as attributes'
        : '';
    problems.push(problem('BIMI_SVG_ATTRIBUTE', at, `${name} of <${element.name}> is not allowed${why}`, { rfc: RFC }));
    return;
  }
  const fixed = Object.hasOwn(SVG_FIXED_VALUES, name) ? SVG_FIXED_VALUES[name] : undefined;
  if (fixed !== undefined && value !== fixed)
    problems.push(
      problem('BIMI_SVG_ATTRIBUTE', at, `${name} may only be ${JSON.stringify(fixed)}`, {
        rfc: `${RFC}.3`,
        fix: `leave ${name} out`,
      }),
    );
  if (name === 'href' || name === 'xlink:href') {
    if (!value.startsWith('#') || !ids.has(value.slice(1)))
      problems.push(
        problem('BIMI_SVG_REFERENCE', at, `${name} ${JSON.stringify(value)} is not an element of this file`, {
          rfc: 'RFC 6170 §5.2',
        }),
      );
  } else if (/url\s*\(/i.test(value)) {
    const id = /^\s*url\(\s*#([^\s)'"]+)\s*\)(?:\s[#\w(),.%\s]*)?$/.exec(value)?.[1];
    if (id === undefined || !ids.has(id))
      problems.push(
        problem(
          'BIMI_SVG_REFERENCE',
          at,
          `${name} ${JSON.stringify(value)} does not refer to an element of this file`,
          {
            rfc: 'RFC 6170 §5.2',
          },
        ),
      );
  }
}

/** `use` must end: no circles, and not so many copies of copies that drawing them takes a reader down. */
function checkUses(root: XmlElement, ids: ReadonlyMap<string, XmlElement>, problems: ProblemList): void {
  const counts = new Map<XmlElement, number>();
  const open = new Set<XmlElement>();
  const count = (element: XmlElement): number => {
    const known = counts.get(element);
    if (known !== undefined) return known;
    if (open.has(element)) {
      problems.push(
        problem('BIMI_SVG_REFERENCE', atLine(element.line), `<${element.name}> uses itself in a circle`, {
          rfc: 'SVG Tiny 1.2 §5.6',
        }),
      );
      return 0;
    }
    open.add(element);
    let drawn = 1;
    for (const child of element.children) drawn += count(child);
    const target =
      element.name === 'use'
        ? ids.get((element.attributes.get('xlink:href') ?? element.attributes.get('href') ?? '').replace(/^#/, ''))
        : undefined;
    if (target !== undefined) drawn += count(target);
    open.delete(element);
    counts.set(element, drawn);
    return drawn;
  };
  if (count(root) > BIMI_SVG_DRAWN_MAX)
    problems.push(
      problem(
        'BIMI_SVG_REFERENCE',
        WHOLE,
        `draws more than ${BIMI_SVG_DRAWN_MAX} elements when every <use> is followed`,
      ),
    );
}
