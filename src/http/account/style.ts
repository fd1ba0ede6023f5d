/**
 * The one stylesheet of the pages for people: light and dark, from a phone to a desktop, in the
 * brand's colour.
 */
import type { Brand } from '../../config/brand';

export function toStylesheet({ color }: Brand): string {
  return `:root{--brand:${color};--on-brand:${textOn(color)};${LIGHT}color-scheme:light dark}
@media (prefers-color-scheme:dark){:root{${DARK}}}
${RULES}`;
}

const LIGHT =
  '--page:#f4f5f7;--card:#fff;--text:#1b1f26;--soft:#555e6b;--line:#dde1e7;--warn:#8a3b00;--warn-bg:#fff3e4;--ok:#0b5d2c;--ok-bg:#e4f6ea;--tile:#eceff3;--danger:#b3261e;--on-danger:#fff;';
const DARK =
  '--page:#101318;--card:#1a1e25;--text:#eceff4;--soft:#a9b2bf;--line:#333a45;--warn:#ffc78a;--warn-bg:#3a2a17;--ok:#9be3b4;--ok-bg:#16321f;--tile:#272d37;--danger:#ffb4ab;--on-danger:#561e19;';

const RULES = `*{box-sizing:border-box}
html{font:100%/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;-webkit-text-size-adjust:100%}
body{margin:0;overflow-wrap:anywhere;background:var(--page);color:var(--text)}
header{background:var(--brand);color:var(--on-brand)}
header>div,main{max-width:46rem;margin:0 auto;padding:0 1rem}
header>div{display:flex;flex-wrap:wrap;align-items:center;gap:.75rem;min-height:3.5rem;padding-block:.5rem;font-weight:600}
header a{margin-inline-start:auto;font-weight:400;text-align:end}
header img{height:2rem;max-width:10rem;object-fit:contain}
main{padding-bottom:4rem}
nav{max-width:46rem;margin:0 auto;padding:0 1rem 2rem;font-size:.875rem;color:var(--soft)}
nav ul{display:flex;flex-wrap:wrap;gap:0 1rem;list-style:none;margin:0;padding:0}
nav a{display:inline-block;padding:.5rem 0}
nav [aria-current]{font-weight:600;text-decoration:none}
h1{font-size:1.75rem;line-height:1.2;margin:2rem 0 .5rem;letter-spacing:-.01em}
h2{font-size:1.125rem;margin:2.25rem 0 .75rem}
h3,h4,li h2{font-size:1rem;margin:0}
p{margin:.25rem 0}
.lead,.facts,.empty{color:var(--soft)}
.card{background:var(--card);border:1px solid var(--line);border-radius:.75rem;list-style:none;margin:0;padding:0}
.card>li{display:grid;grid-template-columns:auto 1fr auto;gap:.25rem 1rem;align-items:center;padding:1rem}
.card>li+li{border-top:1px solid var(--line)}
.icon{width:2.75rem;height:2.75rem;border-radius:.625rem;background:var(--tile);display:grid;place-items:center}
.icon svg{width:1.5rem;height:1.5rem;fill:none;stroke:currentColor;stroke-width:1.75;stroke-linecap:round;stroke-linejoin:round}
.facts{font-size:.875rem}
.facts>*{unicode-bidi:isolate}
.facts>*+*::before{content:" · "}
.facts.lines>*{display:block}
.facts.lines>*::before{content:none}
.who{color:var(--soft);margin-top:1.5rem}
.who+.who{margin-top:0}
.who+h1{margin-top:.25rem}
summary{cursor:pointer;padding:.25rem 0}
details ul{list-style:none;margin:0;padding:0}
details li{display:grid;grid-template-columns:1fr auto;gap:.25rem 1rem;align-items:center;padding:.75rem 0;border-top:1px solid var(--line)}
.card>.group{grid-template-columns:auto 1fr;align-items:start}
input{font:inherit;color:var(--text);background:var(--card);border:1px solid var(--soft);border-radius:.5rem;padding:.5rem .75rem;min-height:2.75rem;max-width:100%}
label{max-width:100%}
form.row{align-items:end}
.ask{display:flex;flex-wrap:wrap;gap:.5rem;align-items:center;margin-top:.5rem}
.ask span{font-weight:600;flex-basis:100%}
.ask .button{min-height:2.25rem;padding:.375rem .75rem}
.badge{display:inline-block;font-size:.8125rem;font-weight:600;border-radius:.5rem;padding:.125rem .5rem;margin-top:.375rem}
.badge.now{background:var(--ok-bg);color:var(--ok)}
.badge.warn{background:var(--warn-bg);color:var(--warn)}
.note{border-radius:.75rem;padding:.75rem 1rem;margin:1rem 0;background:var(--ok-bg);color:var(--ok);font-weight:600}
form{margin:0}
.button{display:inline-block;font:inherit;font-weight:600;line-height:1.25;text-align:center;text-decoration:none;color:var(--text);background:var(--card);border:1px solid var(--soft);border-radius:.5rem;padding:.625rem 1rem;min-height:2.75rem;cursor:pointer}
.button:hover{background:var(--tile)}
.button.primary{background:var(--brand);color:var(--on-brand)}
.button.danger{background:var(--danger);color:var(--on-danger);border-color:var(--danger)}
.button.danger:hover,.button.primary:hover{filter:brightness(1.1)}
.row{display:flex;flex-wrap:wrap;gap:.75rem;margin-top:1rem}
a{color:inherit}
:focus-visible{outline:3px solid var(--text);outline-offset:2px}
header :focus-visible{outline-color:var(--on-brand)}
.log>li{grid-template-columns:1fr auto;padding:.75rem 1rem}
.log time{font-size:.875rem;color:var(--soft)}
@media (max-width:34rem){.card>li{grid-template-columns:auto 1fr}.card>li>form{grid-column:2;justify-self:start;margin-top:.5rem}details li{grid-template-columns:1fr}.log>li{grid-template-columns:1fr}.row .button{width:100%}}
`;

/**
 * Black or white, whichever is easier to read on a colour: the higher contrast by WCAG 2.2 §1.4.3.
 */
function textOn(color: string): '#000000' | '#ffffff' {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((start) => {
    const value = Number.parseInt(color.slice(start, start + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  const luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  // At this luminance black and white have the same contrast.
  return luminance > 0.179 ? '#000000' : '#ffffff';
}

/** The pages' icon: a key's hole on the brand's colour. */
export function toIcon({ color }: Brand): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="8" fill="${color}"/><path d="M16 7a5 5 0 0 1 2.5 9.3L20 25h-8l1.5-8.7A5 5 0 0 1 16 7z" fill="${textOn(color)}"/></svg>`;
}
