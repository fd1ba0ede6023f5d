/**
 * What came from a caller, without what turns text around or hides in it (Unicode controls and
 * formats), and not too long.
 */
export function clean(text: string | null | undefined): string {
  const visible = (text ?? '').replaceAll(/[\p{Cc}\p{Cf}\p{Co}\p{Cn}]/gu, '');
  return visible.length > 80 ? `${visible.slice(0, 79)}…` : visible;
}
