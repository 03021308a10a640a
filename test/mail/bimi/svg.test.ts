/** SVG logos: what is shown and what is not, and that nothing a file can say breaks the reader. */
import { createRequire } from 'node:module';
import { gzipSync } from 'node:zlib';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkBimiSvg } from '#mail/bimi/svg.ts';
import { codesOf } from '../../support/mail/record-table.ts';

const bytes = (text: string) => new Uint8Array(Buffer.from(text));
const ROOT = 'xmlns="http://www.w3.org/2000/svg" version="1.2" baseProfile="tiny-ps" viewBox="0 0 100 100"';
const svg = (inside: string, root = ROOT) => `<svg ${root}><title>Example</title>${inside}</svg>`;
const codes = (text: string) => codesOf(checkBimiSvg(bytes(text)));

const LOGO = `<?xml version="1.0" encoding="UTF-8"?>
<!-- a logo -->
<svg ${ROOT} xmlns:xlink="http://www.w3.org/1999/xlink" width="400px" height="400">
  <title>Example &amp; Söhne</title>
  <desc>Two circles</desc>
  <defs>
    <linearGradient id="g" x1="0" y1="0" x2="1" y2="1" gradientUnits="objectBoundingBox"><stop offset="0" stop-color="#fff"/><stop offset="1" stop-color="red"/></linearGradient>
    <solidColor id="c" solid-color="blue"/>
    <circle id="dot" r="5"/>
  </defs>
  <rect width="100" height="100" fill="url(#g)"/>
  <g transform="translate(10 10)" fill="url(#c) none"><path d="M0 0L10 10Z"/><use xlink:href="#dot" x="3"/></g>
  <text x="1" y="2"><![CDATA[A&B]]></text>
</svg>`;

describe('draft-svg-tiny-ps-abrotman-12 §2: good logos', () => {
  test('a logo with everything that is allowed', () =>
    expect(checkBimiSvg(bytes(LOGO))).toEqual({
      ok: true,
      value: { title: 'Example & Söhne', sizeBytes: bytes(LOGO).length },
      warnings: [],
    }));
  test.each([
    ['the least', svg('')],
    ['with a byte order mark', `\u{feff}${svg('')}`],
    [
      'attributes that do nothing (§2.3)',
      svg(
        '',
        `${ROOT} zoomAndPan="disable" externalResourcesRequired="false" focusable="false" snapshotTime="none" playbackOrder="all" timelineBegin="onLoad"`,
      ),
    ],
  ])('%s', (_, text) => expect(codes(text)).toEqual([]));
  test.each([
    ['not square', svg('', ROOT.replace('100 100', '100 50')), 'BIMI_SVG_SHAPE?'],
    ['no view box', svg('', ROOT.replace('viewBox="0 0 100 100"', '')), 'BIMI_SVG_SHAPE?'],
    ['relative size', svg('', `${ROOT} width="100%"`), 'BIMI_SVG_SHAPE?'],
    ['too small for Gmail', svg('', `${ROOT} height="95"`), 'BIMI_SVG_SHAPE?'],
    ['a long title', svg('').replace('Example', 'x'.repeat(65)), 'BIMI_SVG_TITLE?'],
  ])('with a warning: %s', (_, text, code) => expect(codes(text)).toEqual([code]));
  test('judge: mailauth takes the good one', () => {
    const judge = createRequire(import.meta.url)('mailauth/lib/bimi/validate-svg.js') as { validateSvg(logo: string): boolean };
    expect(judge.validateSvg(LOGO)).toBe(true);
  });
});

describe('draft-svg-tiny-ps-abrotman-12 §2: bad logos', () => {
  test.each<[string, string, string[]]>([
    ['another version', svg('', ROOT.replace('1.2', '1.1')), ['BIMI_SVG_PROFILE']],
    ['another profile', svg('', ROOT.replace('tiny-ps', 'tiny')), ['BIMI_SVG_PROFILE']],
    [
      'no profile, version and namespace',
      '<svg viewBox="0 0 1 1"><title>x</title></svg>',
      ['BIMI_SVG_PROFILE', 'BIMI_SVG_PROFILE', 'BIMI_SVG_PROFILE'],
    ],
    ['no title', svg('').replace('<title>Example</title>', ''), ['BIMI_SVG_TITLE']],
    ['an empty title', svg('').replace('Example', ' '), ['BIMI_SVG_TITLE']],
    ['two titles', svg('<title>again</title>'), ['BIMI_SVG_TITLE']],
    ['a title further down only', svg('<g><title>x</title></g>').replace('<title>Example</title>', ''), ['BIMI_SVG_TITLE']],
    ['an empty description', svg('<desc/>'), ['BIMI_SVG_TITLE']],
    ['x and y on the root', svg('', `${ROOT} x="0px" y="0px"`), ['BIMI_SVG_ATTRIBUTE', 'BIMI_SVG_ATTRIBUTE']],
    ['a bad view box', svg('', ROOT.replace('0 0 100 100', '0 0 100')), ['BIMI_SVG_SHAPE']],
    ['an empty view box', svg('', ROOT.replace('0 0 100 100', '0 0 0 0')), ['BIMI_SVG_SHAPE']],
    ['a script', svg('<script>alert(1)</script>'), ['BIMI_SVG_ELEMENT']],
    ['a script in a group', svg('<g><script href="x"/></g>'), ['BIMI_SVG_ELEMENT']],
    ['an event handler', svg('<rect onclick="x()"/>'), ['BIMI_SVG_ATTRIBUTE']],
    ['animation', svg('<rect><animate attributeName="x"/></rect>'), ['BIMI_SVG_ELEMENT']],
    ['a link', svg('<a><rect/></a>'), ['BIMI_SVG_ELEMENT']],
    ['a raster image', svg('<image href="data:image/png;base64,AA"/>'), ['BIMI_SVG_ELEMENT']],
    ['foreign content', svg('<foreignObject><p/></foreignObject>'), ['BIMI_SVG_ELEMENT']],
    ['a style sheet', svg('<style>rect{fill:red}</style>'), ['BIMI_SVG_ELEMENT']],
    ['a style attribute', svg('<rect style="fill:red"/>'), ['BIMI_SVG_ATTRIBUTE']],
    ['filters, masks, clips', svg('<filter/><mask/><clipPath/>'), ['BIMI_SVG_ELEMENT', 'BIMI_SVG_ELEMENT', 'BIMI_SVG_ELEMENT']],
    ['elements named as in every object', svg('<constructor/><toString/>'), ['BIMI_SVG_ELEMENT', 'BIMI_SVG_ELEMENT']],
    ['an element of a drawing program', svg('<sodipodi:namedview/>'), ['BIMI_SVG_ELEMENT']],
    ['an attribute of a drawing program', svg('<rect inkscape:label="x"/>'), ['BIMI_SVG_ATTRIBUTE']],
    ['an svg inside', svg('<svg/>'), ['BIMI_SVG_ELEMENT']],
    ['a stop outside a gradient', svg('<stop/>'), ['BIMI_SVG_ELEMENT']],
    ['text outside text', svg('hello'), ['BIMI_SVG_ELEMENT']],
    ['xml:base moves references', svg('<g xml:base="https://x.example/"/>'), ['BIMI_SVG_ATTRIBUTE']],
    ['a reference elsewhere', svg('<use href="https://x.example/y.svg#a"/>'), ['BIMI_SVG_REFERENCE']],
    ['a reference to nothing', svg('<use href="#a"/>'), ['BIMI_SVG_REFERENCE']],
    ['a paint from elsewhere', svg('<rect fill="url(https://x.example/#a)"/>'), ['BIMI_SVG_REFERENCE']],
    ['a paint from elsewhere, hidden by an entity', svg('<rect fill="&#117;rl(//x.example/#a)"/>'), ['BIMI_SVG_REFERENCE']],
    ['a paint that is not there', svg('<rect fill="url(#a)"/>'), ['BIMI_SVG_REFERENCE']],
    ['a circle of uses', svg('<g id="a"><use href="#b"/></g><g id="b"><use href="#a"/></g>'), ['BIMI_SVG_REFERENCE']],
    ['an id twice', svg('<rect id="a"/><rect id="a"/>'), ['BIMI_SVG_XML']],
    ['a fixed attribute with another value', svg('', `${ROOT} zoomAndPan="magnify"`), ['BIMI_SVG_ATTRIBUTE']],
    ['the SVG namespace by a prefix', svg('', `${ROOT} xmlns:s="http://www.w3.org/2000/svg"`), ['BIMI_SVG_XML']],
    ['another namespace for an element', svg('<g xmlns="http://www.w3.org/1999/xhtml"/>'), ['BIMI_SVG_XML']],
    [
      'another root',
      '<html/>',
      ['BIMI_SVG_ELEMENT', 'BIMI_SVG_PROFILE', 'BIMI_SVG_PROFILE', 'BIMI_SVG_PROFILE', 'BIMI_SVG_TITLE', 'BIMI_SVG_SHAPE?'],
    ],
  ])('%s', (_, text, expected) => expect(codes(text)).toEqual(expected));

  test('uses of uses of uses draw too much', () => {
    const levels = Array.from({ length: 9 }, (_, level) => `<g id="l${level + 1}">${`<use href="#l${level}"/>`.repeat(10)}</g>`).join('');
    expect(codes(svg(`<g id="l0"><rect/></g>${levels}`))).toEqual(['BIMI_SVG_REFERENCE']);
  });
  test('over 32 KiB', () => {
    const path = (length: number) => svg(`<path d="${'M0 0'.repeat(length / 4)}"/>`);
    expect(codes(path(32_000))).toEqual([]);
    expect(codes(path(32_768))).toEqual(['BIMI_SVG_SIZE']);
  });
  test('compressed, or not UTF-8', () => {
    expect(codesOf(checkBimiSvg(new Uint8Array(gzipSync(LOGO))))).toEqual(['BIMI_SVG_XML']);
    expect(codesOf(checkBimiSvg(new Uint8Array([0x3c, 0xff, 0xfe])))).toEqual(['BIMI_SVG_XML']);
    expect(codesOf(checkBimiSvg(new Uint8Array(Buffer.from(svg(''), 'utf16le'))))).toEqual(['BIMI_SVG_XML']);
  });
});

describe('XML: well formed and plain', () => {
  test.each([
    ['a document type', `<!DOCTYPE svg>${svg('')}`],
    ['entities of its own', `<!DOCTYPE svg [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>${svg('<desc>&b;</desc>')}`],
    ['an outside entity', `<!DOCTYPE svg [<!ENTITY a SYSTEM "file:///etc/passwd">]>${svg('<desc>&a;</desc>')}`],
    ['an unknown entity', svg('<desc>&nbsp;</desc>')],
    ['an entity named as in every object', svg('<desc>&constructor;</desc>')],
    ['a bare ampersand', svg('<desc>A & B</desc>')],
    ['a reference to a forbidden character', svg('<desc>&#0;</desc>')],
    ['a reference beyond Unicode', svg('<desc>&#x110000;</desc>')],
    ['a style sheet instruction', `<?xml-stylesheet href="x.css"?>${svg('')}`],
    ['an instruction inside', svg('<?php x ?>')],
    ['an end that does not match', '<svg><g></svg></g>'],
    ['no end', '<svg><g>'],
    ['two roots', `${svg('')}${svg('')}`],
    ['text before the root', `x${svg('')}`],
    ['text after the root', `${svg('')}x`],
    ['nothing', ''],
    ['an attribute twice', svg('<rect x="1" x="2"/>')],
    ['an attribute without quotes', svg('<rect x=1/>')],
    ['an attribute without value', svg('<rect x/>')],
    ['attributes without blank', svg('<rect x="1"y="2"/>')],
    ['< in an attribute', svg('<rect x="<"/>')],
    ['a comment with --', svg('<!-- a -- b -->')],
    ['a comment without end', svg('<!-- a')],
    ['CDATA without end', svg('<![CDATA[')],
    [']]> in text', svg('<desc>]]></desc>')],
    ['a control character', svg('<desc>\u{1}</desc>')],
    ['another encoding', `<?xml version="1.0" encoding="ISO-8859-1"?>${svg('')}`],
    ['XML 1.1', `<?xml version="1.1"?>${svg('')}`],
    ['65 elements in one another', svg(`${'<g>'.repeat(65)}${'</g>'.repeat(65)}`)],
  ])('not %s', (_, text) => expect(codes(text)).toEqual(['BIMI_SVG_XML']));

  test('no text of tags, quotes and references makes it throw, or hang', () => {
    const pieces = fc.constantFrom(
      '<',
      '>',
      '/',
      '"',
      "'",
      '=',
      ' ',
      '&',
      ';',
      '#',
      'x',
      '!--',
      '--',
      '![CDATA[',
      ']]>',
      '?',
      'svg',
      'g',
      'title',
      'id',
      'use',
      'href',
      'url(',
      ')',
      '\n',
      '&lt;',
      ROOT,
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 40 }), fc.boolean(), (parts, isInside) => {
        const result = checkBimiSvg(bytes(isInside ? svg(parts.join('')) : parts.join('')));
        expect(result.ok || result.problems.length > 0).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });
  test('worst cases take no quadratic time', () => {
    const start = performance.now();
    for (const text of [
      svg('<g/>'.repeat(7000)),
      svg(`<rect fill="url(#a)${' '.repeat(30_000)}!"/>`),
      `<${' '.repeat(32_000)}`,
      svg('&'.repeat(30_000)),
      svg('<!'.repeat(15_000)),
      `<svg ${'a="" '.repeat(6000)}>`,
    ])
      checkBimiSvg(bytes(text));
    expect(performance.now() - start).toBeLessThan(2000);
  });
});
