/** Hexadecimal text as tests write it: blanks between fields, so that a reader sees where one ends. */
export function fields(text: string): string {
  return text.replaceAll(' ', '');
}
