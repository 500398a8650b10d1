/**
 * How long an update takes until it is answered, by each pattern: a row each on one scale, told apart by place, line and name
 * and not by colour. The picture is for the eye; the table beside it says the same.
 */
import type { LatencyHistogram, LoadRun, PatternName } from '@afterwrite/client';
import { count, duration, percent } from '../live/words.ts';
import {
  outlineOf,
  PATTERNS,
  placeOf,
  quantileWords,
  type Scale,
  scaleOf,
  ticksOf,
  timesWords,
} from './load-words.ts';

export function LoadLatencies({ run }: { readonly run: LoadRun | null }) {
  const scale = run && scaleOf(PATTERNS.map((name) => run.patterns[name]));
  return (
    <section class="panel load-latencies" aria-labelledby="latencies">
      <h2 id="latencies">How long an update takes until it is answered</h2>
      {run && scale ? (
        <>
          <div class="histogram" aria-hidden="true">
            {PATTERNS.map((name) => (
              <Row key={name} name={name} histogram={run.patterns[name]} scale={scale} />
            ))}
            <Axis scale={scale} />
          </div>
          <Figures run={run} />
        </>
      ) : (
        <p class="note">
          Start a load: write-behind, write-through and cache-aside are shown here side by side, from the same
          moments on the same servers.
        </p>
      )}
    </section>
  );
}

interface RowProps {
  readonly name: PatternName;
  readonly histogram: LatencyHistogram;
  readonly scale: Scale;
}

function Row({ name, histogram, scale }: RowProps) {
  const at = (ms: number) => ({ left: `${100 * placeOf(ms, scale)}%` });
  return (
    <div class={`histogram-row of-${name}`}>
      <p class="histogram-name">
        {name}
        {histogram.count > 0 && (
          <span class="note">
            p50 {duration(histogram.p50)}, p99 {duration(histogram.p99)}
          </span>
        )}
      </p>
      <div class="histogram-box">
        <svg viewBox="0 0 1 1" preserveAspectRatio="none" focusable="false">
          <path class="area" d={`${outlineOf(histogram, scale)}Z`} />
          <path class="outline" d={outlineOf(histogram, scale)} />
        </svg>
        {ticksOf(scale).map((ms) => (
          <span key={ms} class="grid-line" style={at(ms)} />
        ))}
        {histogram.count > 0 && (
          <>
            <span class="quantile" style={at(histogram.p50)}>
              <span>p50</span>
            </span>
            <span class="quantile quantile-99" style={at(histogram.p99)}>
              <span>p99</span>
            </span>
          </>
        )}
      </div>
    </div>
  );
}

function Axis({ scale }: { readonly scale: Scale }) {
  return (
    <div class="histogram-row">
      <p class="histogram-name note">up to {percent(scale.highest)} of its updates a step; logarithmic</p>
      <div class="histogram-axis">
        {ticksOf(scale).map((ms) => (
          <span key={ms} style={{ left: `${100 * placeOf(ms, scale)}%` }}>
            {ms >= 1000 ? `${ms / 1000} s` : `${ms} ms`}
          </span>
        ))}
      </div>
    </div>
  );
}

function Figures({ run }: { readonly run: LoadRun }) {
  const base = run.patterns['write-behind'];
  return (
    <div class="scroll" role="region" aria-label="Latencies, a table" tabIndex={0}>
      <table class="latencies">
        <caption class="note">Of all updates since the load began. Times: against write-behind.</caption>
        <thead>
          <tr>
            <th scope="col">Pattern</th>
            <th scope="col">Updates</th>
            <th scope="col">p50</th>
            <th scope="col">Times</th>
            <th scope="col">p99</th>
            <th scope="col">Times</th>
            <th scope="col">Longest</th>
          </tr>
        </thead>
        <tbody>
          {PATTERNS.map((name) => {
            const each = run.patterns[name];
            const isBase = name === 'write-behind';
            return (
              <tr key={name}>
                <th scope="row">{name}</th>
                <td>{count(each.count)}</td>
                <td>{quantileWords(each, each.p50)}</td>
                <td>{isBase ? '1' : timesWords(each.p50, base.p50)}</td>
                <td>{quantileWords(each, each.p99)}</td>
                <td>{isBase ? '1' : timesWords(each.p99, base.p99)}</td>
                <td>{quantileWords(each, each.max)}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
