/**
 * Cleans a text of a caller of characters that turn text around or hide in it (Unicode controls and
 * formats, but for the joiners that Persian is written and emoji are made with), and cuts it off
 * where it is too long.
 */
export function clean(text: string | null | undefined): string {
  const visible = [...(text ?? '').replaceAll(/(?![\u200c\u200d])\p{C}/gu, '')];
  return visible.length > 80 ? `${visible.slice(0, 79).join('')}…` : visible.join('');
}
