/** Shows the facts of a device, and times. */
import type { DeviceView } from '../../calls/account-view';
import { toIso } from '../../iso-time';
import type { Child } from '../jsx/jsx-runtime';
import type { Site } from './layout';
import { clean } from './texts/clean';
import type { Texts } from './texts/en';
import { fill, fillText } from './texts/fill';

/** The texts of the methods of RFC 8176 §2 that people have a word for. */
const METHODS: Record<string, keyof Texts> = {
  pwd: 'method_password',
  pin: 'method_password',
  otp: 'method_code',
  sms: 'method_code',
  hwk: 'method_key',
  swk: 'method_key',
  sc: 'method_key',
  pop: 'method_key',
  fpt: 'method_biometric',
  face: 'method_biometric',
  iris: 'method_biometric',
};

/** The name that a person gave the device, else its description. */
export function nameOf({ label, device }: DeviceView, { texts, wording }: Site): string {
  return clean(label) || (wording.device(device) ?? texts.unknownDevice);
}

/** A name of the person's own has a direction of its own. */
export const Name = ({ site, of }: { site: Site; of: DeviceView }) =>
  of.label ? <bdi>{nameOf(of, site)}</bdi> : <>{nameOf(of, site)}</>;

/** `exact`: with the times of the day, which no pointer has to hover for. */
export const Facts = ({
  site,
  of,
  exact,
  id,
}: {
  site: Site;
  of: DeviceView;
  exact?: boolean;
  id?: string;
}) => {
  const { texts, wording } = site;
  const at = (text: string, date: Date) =>
    fill<Child>(text, { when: <Time site={site} date={date} exact={exact} /> });
  const methods = new Set(
    of.amr.map((method) => METHODS[method]).filter((key) => key !== undefined),
  );
  const facts = [
    of.app && <bdi>{clean(of.app)}</bdi>,
    of.label && wording.device(of.device),
    of.device.version !== null && fillText(texts.version, { version: `${of.device.version}` }),
    wording.place(of.location),
    at(texts.signedInAt, of.createdAt),
    !of.isCurrent && at(texts.lastActiveAt, of.lastUsedAt),
    methods.size > 0 &&
      fillText(texts.signedInBy, {
        methods: wording.list([...methods].map((key) => texts[key] as string)),
      }),
    !of.isOver && of.endsAt && at(of.endsIfUnused ? texts.endsIfUnused : texts.endsAt, of.endsAt),
  ];
  return (
    <p class={exact ? 'facts lines' : 'facts'} id={id}>
      {facts.filter(Boolean).map((fact) => (
        <span>{fact}</span>
      ))}
    </p>
  );
};

/** The actor who acts as the person. */
export const Support = ({ site: { texts }, of: { actor } }: { site: Site; of: DeviceView }) =>
  actor === null ? null : (
    <span class="badge warn">{fill<Child>(texts.supportAs, { who: <bdi>{actor}</bdi> })}</span>
  );

export const Time = ({ site, date, exact }: { site: Site; date: Date; exact?: boolean }) => {
  const iso = toIso(date);
  // A row that was written by hand may hold no time.
  if (iso === null) return null;
  const { texts, wording } = site;
  const [ago, exactly] = [wording.ago(date), wording.exactly(date)];
  return (
    <time datetime={iso} title={exactly}>
      {exact ? fillText(texts.timeAgo, { ago, exactly }) : ago}
    </time>
  );
};
