/** The tables of SVG Tiny Portable/Secure: they agree with each other, and what is dangerous is in none of them. */
import { describe, expect, test } from 'vitest';
import { SVG_ELEMENTS, SVG_FIXED_VALUES, SVG_REFUSED } from '#mail/bimi/svg-profile.ts';

const elements = Object.keys(SVG_ELEMENTS);

test.each(elements)('%s: what it may have inside is part of the profile', (name) => {
  for (const child of SVG_ELEMENTS[name]!.children) expect(elements).toContain(child);
});

test('every element can stand somewhere below the root', () => {
  const reached = new Set(['svg']);
  for (const name of reached) for (const child of SVG_ELEMENTS[name]!.children) reached.add(child);
  expect([...reached].toSorted()).toEqual(elements.toSorted());
});

test('no svg inside svg', () => expect(elements.filter((name) => SVG_ELEMENTS[name]!.children.has('svg'))).toEqual([]));

test.each(['a', 'script', 'image', 'foreignObject', 'animate', 'set', 'video', 'audio', 'style', 'switch'])(
  'draft-svg-tiny-ps-abrotman §2: %s is no part of it, and the reason is told',
  (name) => {
    expect(elements).not.toContain(name);
    expect(SVG_REFUSED[name]).toMatch(/ /);
  },
);

test('no element is both allowed and refused', () => expect(elements.filter((name) => Object.hasOwn(SVG_REFUSED, name))).toEqual([]));

describe('attributes', () => {
  test.each(elements)('%s has no event handler, style or xml:base', (name) => {
    const attributes = [...SVG_ELEMENTS[name]!.attributes];
    expect(attributes.filter((each) => /^on/.test(each) || ['style', 'xml:base', 'requiredExtensions'].includes(each))).toEqual([]);
    expect(attributes).toContain('id');
  });

  test('only "use" refers to something', () =>
    expect(
      elements.filter((name) => SVG_ELEMENTS[name]!.attributes.has('href') || SVG_ELEMENTS[name]!.attributes.has('xlink:href')),
    ).toEqual(['use']));

  test('§2.3: those with one value stand at the root only', () => {
    for (const attribute of Object.keys(SVG_FIXED_VALUES))
      expect(elements.filter((name) => SVG_ELEMENTS[name]!.attributes.has(attribute))).toEqual(['svg']);
  });

  test('the version and the profile stand at the root', () => {
    for (const attribute of ['version', 'baseProfile', 'viewBox']) expect(SVG_ELEMENTS['svg']!.attributes.has(attribute)).toBe(true);
  });

  test('no name is empty', () => {
    for (const name of elements) expect(SVG_ELEMENTS[name]!.attributes.has('')).toBe(false);
  });
});

test('text stands where people read it, and nowhere else', () =>
  expect(elements.filter((name) => SVG_ELEMENTS[name]!.hasText).toSorted()).toEqual(['desc', 'text', 'textArea', 'title']));
