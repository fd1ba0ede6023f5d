/**
 * What came from a caller, without what turns text around or hides in it (Unicode controls and
 * formats, but for the joiners that Persian is written and emoji are made with), and not too long.
 */
export function clean(text: string | null | undefined): string {
  const visible = [...(text ?? '').replaceAll(/(?![\u200c\u200d])\p{C}/gu, '')];
  return visible.length > 80 ? `${visible.slice(0, 79).join('')}…` : visible.join('');
}
