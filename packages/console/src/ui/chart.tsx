/**
 * Lines over the last minute, drawn by uPlot. The canvas is a picture to those who see it; to others its label says the same
 * in words. Colours are the style sheet's and are read again when the theme changes.
 */
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import { palette } from '../theme.ts';
import { endPoints, withBreaks } from './chart-data.ts';

/** Drawn and left out, in pixels at a text of 16 px. */
const PATTERNS = { DASHED: [7, 4], DOTTED: [2, 3] } as const;

export interface Line {
  readonly name: string;
  /** A custom property of the style sheet: `--accepted`. */
  readonly color: string;
  /** One for each time; null where nothing is known. */
  readonly values: readonly (number | null)[];
  /** Lines of one chart are told apart by more than their colour. Default: drawn through, and filled. */
  readonly pattern?: keyof typeof PATTERNS;
  /** Known at some times only: where it begins and ends is shown as a point. */
  readonly isSparse?: boolean;
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
  /** Pixels at a text of 16 px; it grows with the text, and where the style sheet says so. */
  readonly height: number;
  /** The scale reaches up to this, however small the figures are. */
  readonly least?: number;
  /** Before the highest value in the legend. Default: up to. */
  readonly peakWords?: string;
  /** Of things that are counted: no steps between 1 and 2. */
  readonly isWhole?: boolean;
  /** Only the lines, without axes. */
  readonly isPlain?: boolean;
}

/** 1, 2, 5, 10, 20, 50, … a million. */
const WHOLE_STEPS = [0, 1, 2, 3, 4, 5, 6].flatMap((power) => [1, 2, 5].map((step) => step * 10 ** power));
const WINDOW_S = 60;
/** Text of the style sheet at its smallest. */
const TEXT_PX = 16;
const AXIS_TEXT_PX = 12;
/** Heights of a line of text that a threshold's label takes. */
const LABEL_ROOM = 1.3;
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
    // Begun when the page has been laid out anyway: asked for in between, a size is one more layout for each chart.
    const sizes = new ResizeObserver((entries) => {
      const size = sizeOf(entries);
      if (plot.current) plot.current.setSize(size);
      else plot.current = new uPlot(optionsOf(element, size, now), dataOf(now.current), element);
    });
    sizes.observe(element);
    return () => {
      sizes.disconnect();
      plot.current?.destroy();
      plot.current = null;
    };
  }, [shape]);

  useEffect(() => plot.current?.setData(dataOf(props)), [props.times, props.lines]);

  return (
    <div
      class="chart"
      ref={place}
      role="img"
      aria-label={inWords(props)}
      style={{ height: `${props.height / TEXT_PX}rem` }}
    />
  );
}

/** Which line is which and how far the scale goes; a chart's own label says it to who cannot see. */
export function Legend({ lines, format, peakWords = 'up to' }: Omit<ChartProps, 'label' | 'height'>) {
  const known = lines.flatMap(({ values }) => values.filter((value) => value !== null));
  return (
    <p class="legend" aria-hidden="true">
      {lines.map(({ name, color, pattern }) => (
        <span key={name}>
          <svg viewBox="0 0 22 4">
            <path
              d="M0 2h22"
              style={{
                stroke: `var(${color})`,
                strokeWidth: 3,
                strokeDasharray: pattern ? PATTERNS[pattern].join(' ') : 'none',
              }}
            />
          </svg>
          {name}
        </span>
      ))}
      {known.length > 0 && (
        <span class="peak">
          {peakWords} {format(Math.max(...known))}
        </span>
      )}
    </p>
  );
}

function dataOf({ times, lines }: ChartProps): uPlot.AlignedData {
  const drawn = withBreaks(
    times,
    lines.map(({ values }) => values),
  );
  return [drawn.times.map((time) => time / 1000), ...drawn.lines.map((values) => [...values])];
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

interface Size {
  readonly width: number;
  readonly height: number;
}

function sizeOf(entries: readonly ResizeObserverEntry[]): Size {
  const { width = 0, height = 0 } = entries.at(-1)?.contentRect ?? {};
  return { width: Math.max(1, Math.floor(width)), height: Math.floor(height) };
}

function optionsOf(element: HTMLElement, size: Size, props: { readonly current: ChartProps }): uPlot.Options {
  const { lines, isPlain = false, isWhole = false, format } = props.current;
  const style = getComputedStyle(element);
  const scale = Number.parseFloat(getComputedStyle(document.documentElement).fontSize) / TEXT_PX;
  const font = `${AXIS_TEXT_PX * scale}px ${style.fontFamily}`;
  const color = (name: string) => colorOf(element, name);
  const axis = {
    stroke: color('--faint'),
    grid: { stroke: color('--line'), width: 1 },
    ticks: { show: false },
    font,
  };
  return {
    ...size,
    cursor: { show: false },
    legend: { show: false },
    // To the right half of a time's text.
    padding: isPlain ? [2, 0, 2, 0] : [8, 20 * scale, 0, 0],
    scales: {
      x: { time: true, range: (_plot, _least, most) => [most - WINDOW_S, most] },
      y: { range: (_plot, _least, most) => [0, highest(props.current, most)] },
    },
    axes: isPlain
      ? [{ show: false }, { show: false }]
      : [
          { ...axis, values: (_plot, times) => times.map((time) => clock(time)) },
          {
            ...axis,
            size: 64 * scale,
            values: (_plot, values) => values.map((value) => format(value)),
            ...(isWhole && { incrs: WHOLE_STEPS }),
          },
        ],
    series: [
      {},
      ...lines.map((line) => ({
        stroke: color(line.color),
        width: 2 * scale,
        points: line.isSparse ? { size: 5 * scale, fill: color(line.color), filter: ends } : { show: false },
        ...(line.pattern && { dash: PATTERNS[line.pattern].map((length) => length * scale) }),
        ...(isPlain &&
          !line.pattern && { fill: `color-mix(in srgb, ${color(line.color)} 14%, transparent)` }),
      })),
    ],
    hooks: { draw: [(plot) => drawThresholds(plot, props.current, color('--alarm'), font)] },
  };
}

function ends(plot: uPlot, series: number): number[] {
  return endPoints([...(plot.data[series] ?? [])]);
}

/** Of one palette: each that is asked for is the style of an element computed anew. */
const colors = { palette: -1, known: new Map<string, string>() };

/** As a canvas understands it: what the style sheet says is `light-dark(…)`. */
function colorOf(element: HTMLElement, name: string): string {
  if (colors.palette !== palette.peek()) {
    colors.palette = palette.peek();
    colors.known.clear();
  }
  const known = colors.known.get(name);
  if (known !== undefined) return known;
  element.style.color = `var(${name})`;
  const { color } = getComputedStyle(element);
  element.style.color = '';
  colors.known.set(name, color);
  return color;
}

/** A threshold is drawn in where the figures come near it; one that is far away must not flatten them. */
function highest({ thresholds = [], least = 0 }: ChartProps, most: number | null): number {
  const top = Math.max(most ?? 0, least);
  const near = thresholds.filter(({ value }) => value <= top * 3).map(({ value }) => value);
  return Math.max(top === 0 ? 1 : top, ...near) * HEADROOM;
}

function drawThresholds(plot: uPlot, { thresholds = [] }: ChartProps, color: string, font: string): void {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.strokeStyle = color;
  ctx.fillStyle = color;
  ctx.setLineDash([...PATTERNS.DASHED]);
  ctx.lineWidth = 1.5;
  const textPx = Number.parseFloat(font) * devicePixelRatio;
  ctx.font = font.replace(/^[\d.]+/, String(textPx));
  for (const { value, label } of thresholds) {
    const y = plot.valToPos(value, 'y', true);
    if (y < bbox.top || y > bbox.top + bbox.height) continue;
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.stroke();
    // Under its line, which may be at the very top, unless that is at the bottom.
    const isLow = y + textPx * LABEL_ROOM > bbox.top + bbox.height;
    ctx.textBaseline = isLow ? 'bottom' : 'top';
    ctx.fillText(label, bbox.left + 4, isLow ? y - 3 : y + 3);
  }
  ctx.restore();
}

function clock(seconds: number): string {
  return new Date(seconds * 1000).toISOString().slice(14, 19);
}
