/**
 * The JSX runtime: elements become HTML as text, for pages that are sent once. The runtime of Hono
 * also streams, suspends, and keeps state, which is a thirtieth of the Worker; its types are used.
 *
 * Every text between tags and in attributes is escaped; only the result of another element is not.
 * Names of tags and attributes are those of the source, and no value can add one.
 */
import type { JSX as HonoJsx } from 'hono/jsx';
import { escapeToBuffer, raw } from 'hono/utils/html';

/** An element, as HTML. */
export type Html = ReturnType<typeof raw>;
export type Child = Html | string | number | boolean | null | undefined | readonly Child[];

type Props = Record<string, unknown> & { children?: Child };
type Component = (props: Props) => Html | null;

type SvgTag = 'circle' | 'g' | 'line' | 'path' | 'rect' | 'svg' | 'text';

export namespace JSX {
  export type Element = Html | null;
  export type IntrinsicElements = HonoJsx.IntrinsicElements &
    Record<SvgTag, Record<string, unknown>>;
  export interface ElementChildrenAttribute {
    children: unknown;
  }
}

/** Elements that have no content, and no end tag (HTML, section 13.1.2). */
const VOID = new Set(['br', 'hr', 'img', 'input', 'link', 'meta']);

export function jsx(tag: string | Component, { children, ...attributes }: Props): Html | null {
  if (typeof tag === 'function') return tag({ ...attributes, children });
  const start = `<${tag}${Object.entries(attributes).map(toAttribute).join('')}>`;
  return raw(VOID.has(tag) ? start : `${start}${toHtml(children)}</${tag}>`);
}

export { jsx as jsxDEV, jsx as jsxs };

export const Fragment = ({ children }: { children?: Child }) => raw(toHtml(children));

function toAttribute([name, value]: [string, unknown]): string {
  if (value === undefined || value === null || value === false) return '';
  return ` ${name}="${value === true ? '' : escapeText(String(value))}"`;
}

function toHtml(child: Child): string {
  if (typeof child === 'string') return escapeText(child);
  if (child === null || child === undefined || typeof child === 'boolean') return '';
  if (Array.isArray(child)) return child.map(toHtml).join('');
  // Any other object is escaped as text, because it could come from somebody's JSON.
  return child instanceof String ? String(child) : escapeText(String(child));
}

function escapeText(text: string): string {
  const buffer: Parameters<typeof escapeToBuffer>[1] = [''];
  escapeToBuffer(text, buffer);
  return buffer[0] as string;
}
