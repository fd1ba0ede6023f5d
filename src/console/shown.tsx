/** Small things that many pages show: times, ids, states, and the words for them. */
import type { Child } from '#jsx/jsx-runtime';
import { BASE } from './frame';

const UNITS = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
] as const;
const RELATIVE = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });

/** "3 hours ago", with the exact time for whoever points at it; UTC, as the logs have it. */
export const Time = ({ iso, now }: { iso: string | null; now: number }) => {
  if (iso === null) return <span class="soft">–</span>;
  return (
    <time datetime={iso} title={toExact(iso)} class="nowrap">
      {toRelative(iso, now)}
    </time>
  );
};

/** "2026-11-26 09:15:40 UTC" */
export const toExact = (iso: string) => `${iso.slice(0, 19).replace('T', ' ')} UTC`;

function toRelative(iso: string, now: number): string {
  const seconds = Math.round((Date.parse(iso) - now) / 1000);
  const [unit, length] = UNITS.find(([, size]) => Math.abs(seconds) >= size) ?? ['second', 1];
  if (unit === 'second') return Math.abs(seconds) < 10 ? 'now' : RELATIVE.format(seconds, 'second');
  return RELATIVE.format(Math.trunc(seconds / length), unit);
}

/** An id whose first part tells it from others at a glance. */
export const PersonLink = ({ id }: { id: string }) => (
  <a class="mono" href={`${BASE}/people/${id}`} title={id}>
    {id.slice(0, 8)}
  </a>
);

export const SessionLink = ({ id, children }: { id: string; children?: Child }) => (
  <a href={`${BASE}/sessions/${id}`} title={id} {...(children === undefined && { class: 'mono' })}>
    {children ?? id.slice(0, 8)}
  </a>
);

export const Badge = ({ kind, text }: { kind?: 'ok' | 'warn' | 'bad'; text: string }) => (
  <span class={kind === undefined ? 'badge' : `badge ${kind}`}>{text}</span>
);

/** A table that is wider than a phone is scrolled in its own frame, by the keyboard too. */
export const Table = ({
  name,
  columns,
  children,
}: {
  name: string;
  /** A name that ends in `#` is of numbers. */
  columns: readonly string[];
  children: Child;
}) => (
  <section class="scroll" aria-label={name} tabindex={0}>
    <table>
      <thead>
        <tr>
          {columns.map((column) => (
            <th scope="col" class={column.endsWith('#') ? 'num' : undefined}>
              {column.replace(/#$/, '')}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>{children}</tbody>
    </table>
  </section>
);

/** The way to the next page of a list; nothing on the last. */
export const Older = ({ href, cursor }: { href: string; cursor: string | null }) =>
  cursor === null ? null : (
    <p class="row">
      <a
        class="button"
        href={`${href}${href.includes('?') ? '&' : '?'}cursor=${encodeURIComponent(cursor)}`}
      >
        Older
      </a>
    </p>
  );

/** Says that a list lacks the rows of homes that did not answer. */
export const Unanswered = ({ homes }: { homes: readonly string[] | undefined }) =>
  homes === undefined || homes.length === 0 ? null : (
    <p class="note warn">Not in this list, because it did not answer: {homes.join(', ')}.</p>
  );

/** "session_signed_out" as "Session signed out". */
export function toWords(name: string): string {
  const words = name.replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

export const toPlace = (
  location: { country: string | null; region?: string | null; city: string | null } | null,
) => (location === null ? null : [location.city, location.country].filter(Boolean).join(', '));

export const plural = (count: number, one: string, many = `${one}s`) =>
  `${count.toLocaleString('en')} ${count === 1 ? one : many}`;
