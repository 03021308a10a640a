/** The picture at the top of /docs. */

/** SVG. */
export const LOGO = Buffer.from(
  '<svg xmlns="http://www.w3.org/2000/svg" width="120" height="32" role="img" aria-label="waxseal">' +
    '<circle cx="14" cy="16" r="11" fill="#a3262a"/>' +
    '<text x="32" y="22" font-family="sans-serif" font-size="20" fill="#fff">waxseal</text></svg>',
);
