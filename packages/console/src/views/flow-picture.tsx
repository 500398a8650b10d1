/**
 * The picture: stations, and ways between them with dots that move. The dots are there from the beginning, two sets a way, and
 * each sample sends some of one set along; so at most 40 move, and nothing is made or measured while they do.
 */
import { useEffect, useRef } from 'preact/hooks';
import type { ComponentChildren } from 'preact';
import { count, duration, rate, UNKNOWN } from '../live/words.ts';
import { Breaker } from './flow-breaker.tsx';
import {
  BREAKER_WORDS,
  captionsOf,
  type Flow,
  MOST_DOTS,
  shareOf,
  type Way,
  type WayName,
} from './flow-numbers.ts';

const BEAT_MS = 1000;
const TRAVEL_MS = 1000;
const stillness = matchMedia('(prefers-reduced-motion: reduce)');

interface PictureProps {
  readonly flow: Flow;
  /** Another with each sample; 0: nothing moves. */
  readonly beat: number;
}

export function Picture({ flow, beat }: PictureProps) {
  const { ways, queue, peak } = flow;
  const captions = captionsOf(flow);
  const way = (name: WayName, words: string, isBack = false) => (
    <WayTo name={name} words={words} way={ways[name]} beat={beat} isBack={isBack} />
  );
  const isCut = queue !== null && queue.breaker !== 'CLOSED';
  return (
    <div class={isCut ? 'picture cut' : 'picture'} aria-hidden="true">
      <Station area="callers" name="Callers">
        {captions.callers}
      </Station>
      {way('accepted', 'accepted')}
      {way('hits', 'hits', true)}
      <Station area="cache" name="Cache">
        Valkey
        <br />
        {captions.cache}
      </Station>
      {way('queued', 'queued')}
      {way('misses', 'read from the database', true)}
      <Station area="queue" name="Queue">
        {queue && <small class="tank-full">most in the minute: {count(peak)}</small>}
        <span class="tank">
          <span
            class={queue ? 'tank-fill' : 'tank-fill unknown'}
            style={{ transform: `scaleY(${queue ? shareOf(queue.length, peak) : 1})` }}
          />
        </span>
        <span class="tank-label">
          <strong class="waiting">{count(queue?.length)}</strong>
          {queue ? (queue.length === 1 ? 'update waits' : 'updates wait') : 'Valkey does not answer'}
          {typeof queue?.oldestMs === 'number' && <span>oldest {duration(queue.oldestMs)}</span>}
        </span>
      </Station>
      {way('taken', 'taken')}
      <Station area="flusher" name="Flusher">
        {captions.flusher}
      </Station>
      <div class="stored-way">
        {way('stored', 'stored')}
        {queue && (
          <p class="breaker">
            <Breaker state={queue.breaker} />
            <span>{BREAKER_WORDS[queue.breaker]}</span>
          </p>
        )}
      </div>
      {way('failed', 'refused')}
      <Station area="letters" name="Dead letters">
        <strong>{queue ? count(queue.deadLetters) : UNKNOWN}</strong>
      </Station>
      <Station area="database" name="Database">
        MySQL
        <br />
        {captions.database}
      </Station>
    </div>
  );
}

interface StationProps {
  readonly area: string;
  readonly name: string;
  readonly children: ComponentChildren;
}

function Station({ area, name, children }: StationProps) {
  return (
    <div class={`station at-${area}`}>
      <b>{name}</b>
      <p>{children}</p>
    </div>
  );
}

interface WayProps {
  readonly name: WayName;
  readonly words: string;
  readonly way: Way;
  readonly beat: number;
  /** What answers comes back. */
  readonly isBack: boolean;
}

function WayTo({ name, words, way, beat, isBack }: WayProps) {
  const track = useRef<HTMLDivElement>(null);
  const turn = useRef(0);
  useEffect(() => {
    const element = track.current;
    if (!element || beat === 0 || way.dots === 0 || stillness.matches || document.hidden) return;
    turn.current = 1 - turn.current;
    send(element, turn.current * MOST_DOTS[name], way.dots, isBack);
  }, [beat]);
  return (
    <div class={`way at-${name}`}>
      <p>
        <strong>{way.perSecond === null ? UNKNOWN : `${rate(way.perSecond)}/s`}</strong> {words}
      </p>
      <div class={isBack ? 'track back' : 'track'} ref={track}>
        {Array.from({ length: 2 * MOST_DOTS[name] }, (_, index) => (
          <i key={index} />
        ))}
      </div>
    </div>
  );
}

/** Each dot is at the beginning of an element as long as the way: moved by its whole length, whatever that is. */
function send(track: HTMLElement, from: number, dots: number, isBack: boolean): void {
  const isLevel = track.clientWidth > track.clientHeight;
  const [near, far] = ['translate(0, 0)', isLevel ? 'translate(100%, 0)' : 'translate(0, 100%)'];
  const [first, last] = isBack ? [far, near] : [near, far];
  for (let index = 0; index < dots; index++) {
    track.children[from + index]?.animate(
      [
        { transform: first, opacity: 1 },
        { transform: last, opacity: 1 },
      ],
      { duration: TRAVEL_MS, delay: (index * BEAT_MS) / dots },
    );
  }
}
