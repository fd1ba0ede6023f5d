/** The styles of the page at `/`, beside the stylesheet of the pages for people. */
export const PAGE_STYLE = `${[
  // A line of code is a line: what is too long for the screen is scrolled to.
  'figure{clear:both;margin:0 0 1.5rem;overflow:auto;border-radius:.5rem;background:var(--tile)}',
  'pre{white-space:pre;width:max-content;margin:0;padding:.75rem;font-size:.8125rem;line-height:1.45}',
  'button[data-copy]{float:right;margin-bottom:.5rem}',
  '.trials{margin-top:1rem}',
  '.trials>li{display:block}',
  '.trials .button{margin-top:.75rem}',
  '.answer{margin-top:1rem;padding-inline-start:.875rem;border-inline-start:.25rem solid var(--ok)}',
  '.answer.refused{border-color:var(--danger)}',
  '.answer>code{display:block;color:var(--soft);font-size:.8125rem}',
  '.answer dl{margin:.25rem 0 0;font-size:.875rem}',
  '.answer dl>div{display:grid;grid-template-columns:6.5rem 1fr;gap:0 .5rem}',
  '.answer dt{color:var(--soft)}',
  '.answer dd{margin:0}',
  '.event{display:block}',
  '@media (max-width:24rem){.answer dl>div{grid-template-columns:1fr}}',
  '.trials .button[aria-disabled=true]{opacity:.6;cursor:default}',
].join('\n')}\n`;
