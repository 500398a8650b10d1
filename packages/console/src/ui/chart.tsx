/**
 * Lines over the last minute, drawn by uPlot. The canvas is a picture to those who see it; to others its label says the same
 * in words. Colours are the style sheet's and are read again when the theme changes.
 */
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import { palette } from '../theme.ts';

export interface Line {
  readonly name: string;
  /** A custom property of the style sheet: `--accepted`. */
  readonly color: string;
  /** One for each time; null where nothing is known. */
  readonly values: readonly (number | null)[];
}

export interface Threshold {
  readonly value: number;
  /** Shown at the line. */
  readonly label: string;
}

export interface ChartProps {
  /** What it shows; its figures are added for who cannot see it. */
  readonly label: string;
  /** Milliseconds since 1970, ascending. */
  readonly times: readonly number[];
  readonly lines: readonly Line[];
  readonly thresholds?: readonly Threshold[];
  readonly format: (value: number | null) => string;
  /** Pixels. */
  readonly height: number;
  /** Only the lines, without axes. */
  readonly isPlain?: boolean;
}

const WINDOW_S = 60;
/** Room above the highest value. */
const HEADROOM = 1.15;

export function Chart(props: ChartProps) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  // What the drawing code reads when it is called later.
  const now = useRef(props);
  now.current = props;
  const colors = palette.value;
  const shape = `${colors} ${props.height} ${props.lines.map(({ name }) => name).join()}`;

  useEffect(() => {
    const element = place.current;
    if (!element) return;
    const drawn = new uPlot(optionsOf(element, now), dataOf(now.current), element);
    plot.current = drawn;
    const sizes = new ResizeObserver(() =>
      drawn.setSize({ width: element.clientWidth, height: now.current.height }),
    );
    sizes.observe(element);
    return () => {
      sizes.disconnect();
      drawn.destroy();
    };
  }, [shape]);

  useEffect(() => plot.current?.setData(dataOf(props)), [props.times, props.lines]);

  return (
    <div class="chart" ref={place} role="img" aria-label={inWords(props)} style={{ height: props.height }} />
  );
}

function dataOf({ times, lines }: ChartProps): uPlot.AlignedData {
  return [times.map((time) => time / 1000), ...lines.map(({ values }) => [...values])];
}

function inWords({ label, lines, format }: ChartProps): string {
  const each = lines.map(({ name, values }) => {
    const known = values.filter((value) => value !== null);
    if (known.length === 0) return `${name} unknown`;
    const [least, most] = [Math.min(...known), Math.max(...known)];
    return `${name} ${format(values.at(-1) ?? null)}, between ${format(least)} and ${format(most)}`;
  });
  return `${label}, the last minute: ${each.join('; ')}`;
}

function optionsOf(element: HTMLElement, props: { readonly current: ChartProps }): uPlot.Options {
  const { lines, height, isPlain = false, format } = props.current;
  const style = getComputedStyle(element);
  const color = (name: string) => style.getPropertyValue(name).trim();
  const axis = {
    stroke: color('--faint'),
    grid: { stroke: color('--line'), width: 1 },
    ticks: { show: false },
    font: `12px ${style.fontFamily}`,
  };
  return {
    width: Math.max(1, element.clientWidth),
    height,
    cursor: { show: false },
    legend: { show: false },
    padding: isPlain ? [2, 0, 2, 0] : [8, 8, 0, 0],
    scales: {
      x: { time: true, range: (_plot, _least, most) => [most - WINDOW_S, most] },
      y: { range: (_plot, _least, most) => [0, highest(props.current, most)] },
    },
    axes: isPlain
      ? [{ show: false }, { show: false }]
      : [
          { ...axis, values: (_plot, times) => times.map((time) => clock(time)) },
          { ...axis, size: 64, values: (_plot, values) => values.map((value) => format(value)) },
        ],
    series: [
      {},
      ...lines.map((line) => ({
        stroke: color(line.color),
        width: 2,
        points: { show: false },
        spanGaps: false,
        ...(isPlain && { fill: `color-mix(in srgb, ${color(line.color)} 14%, transparent)` }),
      })),
    ],
    hooks: { draw: [(plot) => drawThresholds(plot, props.current, color('--alarm'), style.fontFamily)] },
  };
}

/** A threshold is drawn in where the figures come near it; one that is far away must not flatten them. */
function highest({ thresholds = [] }: ChartProps, most: number | null): number {
  const top = Math.max(most ?? 0, Number.MIN_VALUE);
  const near = thresholds.filter(({ value }) => value <= top * 3).map(({ value }) => value);
  return Math.max(top, ...near, most === 0 || most === null ? 1 : 0) * HEADROOM;
}

function drawThresholds(plot: uPlot, { thresholds = [] }: ChartProps, color: string, font: string): void {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.strokeStyle = color;
  ctx.fillStyle = color;
  ctx.setLineDash([6, 4]);
  ctx.lineWidth = 1.5;
  ctx.font = `${11 * devicePixelRatio}px ${font}`;
  for (const { value, label } of thresholds) {
    const y = plot.valToPos(value, 'y', true);
    if (y < bbox.top || y > bbox.top + bbox.height) continue;
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.stroke();
    ctx.fillText(label, bbox.left + 4, y - 4);
  }
  ctx.restore();
}

function clock(seconds: number): string {
  return new Date(seconds * 1000).toISOString().slice(14, 19);
}
