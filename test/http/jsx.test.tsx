/** What the pages' JSX comes to: HTML in which no value can begin an element or an attribute. */
import { describe, expect, it } from 'vitest';
import type { Child } from '../../src/http/jsx/jsx-runtime';

const html = (element: unknown) => String(element);
const HOSTILE = `<script>alert("1")</script>&'`;
const ESCAPED = '&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;&#39;';

describe('JSX', () => {
  it('escapes texts, wherever they stand', () => {
    expect(html(<p>{HOSTILE}</p>)).toBe(`<p>${ESCAPED}</p>`);
    expect(html(<p>{['a', [HOSTILE]]}</p>)).toBe(`<p>a${ESCAPED}</p>`);
    expect(
      html(
        <>
          {[HOSTILE]}
          {null}
        </>,
      ),
    ).toBe(ESCAPED);
  });

  it('escapes the values of attributes', () => {
    expect(html(<a href={HOSTILE}>x</a>)).toBe(`<a href="${ESCAPED}">x</a>`);
  });

  it('escapes what only says that it is HTML, as a member of somebody’s JSON may', () => {
    const pretending = { isEscaped: true, toString: () => HOSTILE } as unknown as Child;
    expect(html(<p>{pretending}</p>)).toBe(`<p>${ESCAPED}</p>`);
  });

  it('escapes an element once, however deep it stands', () => {
    const Inner = ({ children }: { children: Child }) => <b>{children}</b>;
    expect(
      html(
        <p>
          <Inner>{'a & b'}</Inner>
          {[<i>{'<'}</i>]}
        </p>,
      ),
    ).toBe('<p><b>a &amp; b</b><i>&lt;</i></p>');
  });

  it('leaves out what says nothing, but not a zero', () => {
    const Nothing = () => null;
    expect(
      html(
        <p title={undefined}>
          {null}
          {undefined}
          {false}
          {true}
          {0}
          <Nothing />
        </p>,
      ),
    ).toBe('<p>0</p>');
  });

  it('writes attributes that are on or off, and elements that have no end', () => {
    expect(html(<input name="a" required disabled={false} />)).toBe('<input name="a" required="">');
    expect(html(<br />)).toBe('<br>');
    expect(html(<p />)).toBe('<p></p>');
  });
});
