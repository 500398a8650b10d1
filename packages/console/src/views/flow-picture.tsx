/**
 * The picture: stations, and ways between them with dots that move. A sample's dots are a strip as long as the way, which moves
 * through it as one: from before its beginning to past its end, the next one right behind. So a sample begins one animation a
 * way, the compositor's, and nothing of the page's own is done while the dots move, however many they are.
 */
import { useEffect, useRef } from 'preact/hooks';
import type { ComponentChildren } from 'preact';
import { SAMPLE_EVERY_MS } from '@afterwrite/client';
import { count, duration, rate, UNKNOWN } from '../live/words.ts';
import { Breaker } from './flow-breaker.tsx';
import { BREAKER_WORDS, captionsOf, type Flow, shareOf, type Way, type WayName } from './flow-numbers.ts';

/** Through the way and out of it: a strip has its own length, one sample, for each. */
const PASS_MS = 2 * SAMPLE_EVERY_MS;
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
        {captions.cache}
      </Station>
      {way('queued', 'queued')}
      {way('misses', 'read from the database', true)}
      <Station area="queue" name="Queue">
        {queue && <small class="tank-full">most in the minute: {count(peak)}</small>}
        <span class="tank">
          <span
            // Another element: what becomes known does not drain from full.
            key={queue ? 'known' : 'unknown'}
            class={queue ? 'tank-fill' : 'tank-fill unknown'}
            style={{ transform: `scaleY(${queue ? shareOf(queue.length, peak) : 1})` }}
          />
        </span>
        <span class="tank-label">
          <strong class="waiting">{count(queue?.length)}</strong>
          {queue ? (queue.length === 1 ? 'update waits' : 'updates wait') : 'its server does not answer'}
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
    const strip = element.children[turn.current];
    if (strip instanceof HTMLElement) pass(strip, way.dots, isBack);
  }, [beat]);
  return (
    <div class={`hop at-${name}`}>
      <p>
        <strong>{way.perSecond === null ? UNKNOWN : `${rate(way.perSecond)}/s`}</strong> {words}
      </p>
      <div class={isBack ? 'track back' : 'track'} ref={track}>
        <i />
        <i />
      </div>
    </div>
  );
}

/** In pixels: a move by a share of an element's own size is not the compositor's. */
function pass(strip: HTMLElement, dots: number, isBack: boolean): void {
  // Two on one element would be the page's own to draw, frame by frame. That one is out of the way but for a sample that came early.
  for (const before of strip.getAnimations()) before.cancel();
  strip.style.setProperty('--dots', String(dots));
  const { clientWidth, clientHeight } = strip;
  const at = (lengths: number) =>
    clientWidth > clientHeight
      ? `translate(${lengths * clientWidth}px, 0)`
      : `translate(0, ${lengths * clientHeight}px)`;
  const from = isBack ? 1 : -1;
  strip.animate(
    [
      { transform: at(from), opacity: 1 },
      { transform: at(-from), opacity: 1 },
    ],
    { duration: PASS_MS },
  );
}
