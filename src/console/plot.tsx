/**
 * Numbers over time, as an SVG that the server draws. It has no text of its own, because it is
 * stretched to the width that there is; whoever cannot see it has the same numbers as a table.
 */
import { max } from 'd3-array';
import { scaleLinear, scaleUtc } from 'd3-scale';
import { area, line } from 'd3-shape';
import { Table, toExact } from './shown';

export interface Series {
  name: string;
  /** One value for each time; null: unknown. */
  values: readonly (number | null)[];
}

interface PlotProps {
  title: string;
  /** Milliseconds since 1970, in their order. */
  times: readonly number[];
  series: readonly [Series, ...Series[]];
}

const WIDTH = 1000;
const HEIGHT = 200;

export const Plot = ({ title, times, series }: PlotProps) => {
  const x = scaleUtc([times[0] ?? 0, times.at(-1) ?? 0], [0, WIDTH]);
  const largest = max(series.flatMap(({ values }) => values.map((value) => value ?? 0))) ?? 0;
  const y = scaleLinear([0, Math.max(largest, 4)], [HEIGHT, 0]).nice(4);
  const top = y.domain()[1] ?? 0;
  const steps = [top, top / 2, 0];
  return (
    <figure class="plot">
      <figcaption>
        <h2>{title}</h2>
        <Legend series={series} />
      </figcaption>
      <div class="frame">
        <div class="y" aria-hidden="true">
          {steps.map((step) => (
            <span>{step.toLocaleString('en', { notation: 'compact' })}</span>
          ))}
        </div>
        <svg
          viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
          preserveAspectRatio="none"
          role="img"
          aria-label={`${title}: at most ${largest.toLocaleString('en')}. The table below has each number.`}
        >
          {steps.map((step) => (
            <line class="grid" x1={0} x2={WIDTH} y1={y(step)} y2={y(step)} />
          ))}
          {series.map((one, index) => (
            <Line times={times} values={one.values} x={x} y={y} number={index + 1} />
          ))}
        </svg>
        <div class="x" aria-hidden="true">
          {[0, 1 / 3, 2 / 3, 1].map((part) => (
            <span>{toTick(x.invert(part * WIDTH), times)}</span>
          ))}
        </div>
      </div>
      <Numbers title={title} times={times} series={series} />
    </figure>
  );
};

interface LineProps {
  times: readonly number[];
  values: Series['values'];
  x: (time: number) => number;
  y: (value: number) => number;
  /** From 1, which is filled below. */
  number: number;
}

const Line = ({ times, values, x, y, number }: LineProps) => {
  const points = times.map((time, index) => ({ time, value: values[index] ?? null }));
  type Point = (typeof points)[number];
  const isKnown = ({ value }: Point) => value !== null;
  const toX = ({ time }: Point) => x(time);
  const toY = ({ value }: Point) => y(value ?? 0);
  const stroke = line<Point>(toX, toY).defined(isKnown)(points);
  const below = area<Point>(toX, y(0), toY).defined(isKnown)(points);
  return (
    <g class={`series-${number}`}>
      {number === 1 && <path class="below" d={below} />}
      <path class="stroke" d={stroke} vector-effect="non-scaling-stroke" />
    </g>
  );
};

const Legend = ({ series }: Pick<PlotProps, 'series'>) =>
  series.length === 1 ? null : (
    <ul class="legend">
      {series.map(({ name }, index) => (
        <li class={`series-${index + 1}`}>{name}</li>
      ))}
    </ul>
  );

const Numbers = ({ title, times, series }: PlotProps) => (
  <details>
    <summary>As a table</summary>
    <Table name={title} columns={['From', ...series.map(({ name }) => `${name}#`)]}>
      {times
        .map((time, index) => (
          <tr>
            <th scope="row" class="nowrap">
              {toExact(new Date(time).toISOString())}
            </th>
            {series.map(({ values }) => (
              <td class="num">{values[index]?.toLocaleString('en') ?? '–'}</td>
            ))}
          </tr>
        ))
        .reverse()}
    </Table>
  </details>
);

/** The hour where the plot has a day or two, else the day; UTC, as all times of the console. */
function toTick(time: Date, times: readonly number[]): string {
  const isShort = (times.at(-1) ?? 0) - (times[0] ?? 0) <= 2 * 86_400_000;
  return time.toLocaleString('en-GB', {
    timeZone: 'UTC',
    ...(isShort ? { hour: '2-digit', minute: '2-digit' } : { day: 'numeric', month: 'short' }),
  });
}

/** How much of the whole a row has. */
export const Bar = ({ value, of }: { value: number; of: number }) => (
  <svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
    <rect width={scaleLinear([0, Math.max(of, 1)], [0, 100])(value)} height={8} />
  </svg>
);
