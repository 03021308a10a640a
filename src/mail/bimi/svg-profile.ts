/**
 * What SVG Tiny Portable/Secure allows, as tables: elements, where they stand, their attributes.
 * Source: draft-svg-tiny-ps-abrotman-12 §2 and its schema; SVG Tiny 1.2 attribute table for the names. What is not here
 * is rejected: scripts, animation, links, raster images, media, style sheets, foreign content, conditional processing.
 * Not here: the checking (svg.ts).
 */

const words = (text: string): readonly string[] => text.trim().split(/\s+/);

/** Attributes of every element: identity, language, description. `xml:base` is left out: it would move references elsewhere. */
const CORE = words('id xml:id xml:lang xml:space class role about content datatype property rel resource rev typeof');

/** Presentation properties that still images use. */
const PROPERTIES = words(`
  color color-rendering direction display display-align fill fill-opacity fill-rule font-family font-size font-style font-variant font-weight
  line-increment opacity shape-rendering solid-color solid-opacity stop-color stop-opacity stroke stroke-dasharray stroke-dashoffset
  stroke-linecap stroke-linejoin stroke-miterlimit stroke-opacity stroke-width text-align text-anchor text-rendering unicode-bidi
  vector-effect viewport-fill viewport-fill-opacity visibility`);

const DRAWN = words('transform requiredFonts systemLanguage');

/** One element of the profile. */
export interface SvgElementRule {
  /** Elements it may have inside. */
  readonly children: ReadonlySet<string>;
  readonly attributes: ReadonlySet<string>;
  /** True when it holds text. */
  readonly hasText: boolean;
}

const DESCRIPTIVE = words('title desc');
const SHAPES = words('path rect circle ellipse line polyline polygon');
const GRAPHICS = [...SHAPES, ...words('g use text textArea')];
const PAINTS = words('linearGradient radialGradient solidColor');
const CONTAINED = [...DESCRIPTIVE, ...GRAPHICS, ...PAINTS, 'defs'];

function rule(
  own: string,
  children: readonly string[],
  groups: readonly (readonly string[])[],
  hasText = false,
): SvgElementRule {
  return {
    children: new Set(children),
    attributes: new Set([...words(own), ...CORE, ...groups.flat()].filter((each) => each !== '')),
    hasText,
  };
}

const shape = (own: string) => rule(own, DESCRIPTIVE, [PROPERTIES, DRAWN]);

/** Every element of the profile by name. */
export const SVG_ELEMENTS: Readonly<Record<string, SvgElementRule>> = {
  svg: rule(
    `version baseProfile viewBox width height preserveAspectRatio contentScriptType
     zoomAndPan externalResourcesRequired focusable snapshotTime playbackOrder timelineBegin`,
    CONTAINED,
    [PROPERTIES],
  ),
  g: rule('', CONTAINED, [PROPERTIES, DRAWN]),
  defs: rule('', CONTAINED, [PROPERTIES]),
  title: rule('', [], [], true),
  desc: rule('', [], [], true),
  path: shape('d pathLength'),
  rect: shape('x y width height rx ry'),
  circle: shape('cx cy r'),
  ellipse: shape('cx cy rx ry'),
  line: shape('x1 y1 x2 y2'),
  polyline: shape('points'),
  polygon: shape('points'),
  use: shape('x y href xlink:href'),
  text: rule('x y rotate', DESCRIPTIVE, [PROPERTIES, DRAWN], true),
  textArea: rule('x y width height', DESCRIPTIVE, [PROPERTIES, DRAWN], true),
  linearGradient: rule('x1 y1 x2 y2 gradientUnits', [...DESCRIPTIVE, 'stop'], [PROPERTIES]),
  radialGradient: rule('cx cy r gradientUnits', [...DESCRIPTIVE, 'stop'], [PROPERTIES]),
  solidColor: rule('', DESCRIPTIVE, [PROPERTIES]),
  stop: rule('offset', DESCRIPTIVE, [PROPERTIES]),
};

/** §2.3: attributes that should not be there, and if they are, have the value that does nothing. */
export const SVG_FIXED_VALUES: Readonly<Record<string, string>> = {
  zoomAndPan: 'disable',
  externalResourcesRequired: 'false',
  focusable: 'false',
  snapshotTime: 'none',
  playbackOrder: 'all',
  timelineBegin: 'onLoad',
};

/** Why some elements are rejected, for people who wonder. */
export const SVG_REFUSED: Readonly<Record<string, string>> = {
  a: 'links are not allowed',
  animate: 'animation is not allowed',
  animateColor: 'animation is not allowed',
  animateMotion: 'animation is not allowed',
  animateTransform: 'animation is not allowed',
  audio: 'media are not allowed',
  clipPath: 'clipping is not part of SVG Tiny',
  filter: 'filters are not part of SVG Tiny',
  foreignObject: 'only SVG is allowed inside',
  image: 'raster images are not allowed',
  mask: 'masks are not part of SVG Tiny',
  script: 'scripts are not allowed',
  set: 'animation is not allowed',
  style: 'style sheets are not part of SVG Tiny; use attributes',
  switch: 'conditional processing is not allowed',
  tspan: 'turn text into paths',
  video: 'media are not allowed',
};
