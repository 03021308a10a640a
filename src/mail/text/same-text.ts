/** When two texts of a mail record mean the same, though their authors set blanks and the last semicolon in other ways. */

/** `text` with one blank after each semicolon and none at its end. */
export function plainTags(text: string): string {
  return text
    .split(';')
    .map((part) => part.trim())
    .join('; ')
    .replace(/; $/, '');
}
